summary-title = Summary
summary-title-room = Summary · { $room }
session = No. { $number }
counts = { $messages ->
    [one] { $messages } message
   *[other] { $messages } messages
} · { $people ->
    [one] { $people } person
   *[other] { $people } people
}
date = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
} { $day }
date-year = { date }, { $year }
actions = To do
decisions = Decided
questions = Still open
more = … and { $count } more
written-by-builtin = Written by Matome's built-in summarizer
written-by = Written by { $writer }
rate = Was this helpful?
rate-label = { $stars ->
    [one] { $stars } star
   *[other] { $stars } stars
}
rate-said = { $stars } of 5 stars
details-label = Details
details-said = Show the details
details-title = Details of summary no. { $number }
details-none = There is nothing more to tell about this summary.
ready = The summary of your conversation is ready.
ready-room = The summary of “{ $room }” is ready.
ready-label = Show summary
ready-said = Show the summary
thanks = Thank you! { $stars ->
    [1] We will try to do better.
    [2] We will try to do better.
   *[other] Your rating helps us.
}
nothing = There is nothing to summarize yet.
summarize-label = Summarize now
summarize-said = Summarize now
welcome-user = Hello! I keep summaries of our conversation. Send “/summary” whenever you want one.
welcome-group = Hello, everyone! I write a summary of what is said here. Send “/summary” whenever you want one.
