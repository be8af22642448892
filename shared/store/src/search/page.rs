//! One page of what was found in two collections.

use super::find::Found;
use super::{Hit, SearchPage, SearchPlace};

pub(super) fn of(messages: Found, summaries: Found, after: Option<&SearchPlace>, limit: usize) -> SearchPage {
    let stopped_at = messages.stopped_at.max(summaries.stopped_at);
    let mut hits: Vec<Hit> = messages.hits.into_iter().chain(summaries.hits).collect();
    // Where one collection was left, the other waits for it.
    hits.retain(|hit| stopped_at.is_none_or(|stopped| hit.at > stopped));
    hits.sort_by(|a, b| b.at.cmp(&a.at).then(a.id.cmp(&b.id)));
    let more = hits.len() > limit;
    hits.truncate(limit);
    let end = if more { hits.last().map(|hit| hit.at) } else { stopped_at };
    let next = end.map(|at| {
        let before = after.filter(|after| after.at == at).map(|after| after.ids.clone());
        let mut ids = before.unwrap_or_default();
        ids.extend(hits.iter().filter(|hit| hit.at == at).map(|hit| hit.id));
        SearchPlace { at, ids }
    });
    SearchPage { hits, next }
}

#[cfg(test)]
mod tests {
    use bson::DateTime;
    use bson::oid::ObjectId;
    use matome_domain::words::Query;

    use super::*;
    use crate::search::HitKind;

    fn hit(kind: HitKind, id: u8, at: i64) -> Hit {
        let id = ObjectId::from_bytes([id; 12]);
        let snippet = Query::parse("hi").unwrap().snippet("hi").unwrap();
        Hit { kind, id, room_id: id, session_id: id, user_id: None, at: DateTime::from_millis(at), snippet }
    }

    fn ids(page: &SearchPage) -> Vec<u8> {
        page.hits.iter().map(|hit| hit.id.bytes()[0]).collect()
    }

    #[test]
    fn two_collections_make_one_list_newest_first() {
        let found = |kind, hits: &[(u8, i64)]| Found {
            hits: hits.iter().map(|(id, at)| hit(kind, *id, *at)).collect(),
            stopped_at: None,
        };
        let messages = || found(HitKind::Message, &[(1, 50), (2, 30), (3, 30)]);
        let summaries = || found(HitKind::Summary, &[(4, 40), (5, 10)]);
        let page = of(messages(), summaries(), None, 3);
        assert_eq!(ids(&page), [1, 4, 2]);
        let next = page.next.unwrap();
        assert_eq!(
            (next.at.timestamp_millis(), next.ids.len()),
            (30, 1),
            "3 is of the same time, and still to come"
        );
        assert_eq!(of(messages(), summaries(), None, 5).next, None);
    }

    #[test]
    fn what_lies_behind_the_place_where_one_was_left_waits() {
        let messages =
            Found { hits: vec![hit(HitKind::Message, 1, 50)], stopped_at: Some(DateTime::from_millis(40)) };
        let hits = vec![hit(HitKind::Summary, 2, 45), hit(HitKind::Summary, 3, 40)];
        let page = of(messages, Found { hits, stopped_at: None }, None, 10);
        assert_eq!(ids(&page), [1, 2]);
        assert_eq!(page.next, Some(SearchPlace { at: DateTime::from_millis(40), ids: Vec::new() }));
    }
}
