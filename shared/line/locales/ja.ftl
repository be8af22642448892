summary-title = まとめ
summary-title-room = まとめ · { $room }
session = 第{ $number }回
counts = { $messages }件 · { $people }人
date = { $month }月{ $day }日
date-year = { $year }年{ date }
actions = やること
decisions = 決まったこと
questions = 未解決の質問
more = …ほか{ $count }件
written-by-builtin = 作成: Matome 内蔵の要約
written-by = 作成: { $writer }
rate = このまとめは役に立ちましたか？
rate-label = 星{ $stars }つ
rate-said = 5つ星中{ $stars }
details-label = 詳しく見る
details-said = 詳しく見る
details-title = 第{ $number }回まとめの詳細
details-none = このまとめに、これ以上の詳細はありません。
ready = 会話のまとめができました。
ready-room = 「{ $room }」のまとめができました。
ready-label = まとめを見る
ready-said = まとめを見る
thanks = ありがとうございます！{ $stars ->
    [1] 改善に努めます。
    [2] 改善に努めます。
   *[other] 評価を今後に活かします。
}
nothing = まとめる内容がまだありません。
summarize-label = 今すぐまとめる
summarize-said = 今すぐまとめて
welcome-user = はじめまして！ 会話のまとめを作ります。「まとめ」と送ると、いつでもまとめをお届けします。
welcome-group = みなさん、はじめまして！ ここでの会話のまとめを作ります。「まとめ」と送ると、いつでもまとめをお届けします。
