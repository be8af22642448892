//! Rules of the recorder, room by room.
