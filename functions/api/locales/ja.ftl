verify-email-subject = メールアドレスの確認をお願いします
verify-email-text =
    このメールアドレスでMatomeへの登録が行われました。
    ご本人のアドレスであることを確認するため、24時間以内に次のリンクを開き、登録時のパスワードを入力してください。

    { $link }

    お心当たりがない場合は、何もする必要はありません。
already-registered-subject = すでにアカウントをお持ちです
already-registered-text =
    このメールアドレスでMatomeへの登録が試みられましたが、すでにアカウントがあります。
    ログイン、またはパスワードの再設定はこちらから行えます。

    { $link }

    お心当たりがない場合は、何もする必要はありません。
reset-password-subject = パスワードの再設定
reset-password-text =
    Matomeアカウントのパスワードの再設定が依頼されました。
    1時間以内に次のリンクを開き、新しいパスワードを設定してください。

    { $link }

    お心当たりがない場合は、何もする必要はありません。パスワードは変更されません。
invitation-subject = { $name }への招待
invitation-text =
    Matomeで「{ $name }」のメンバーとして招待されました。
    参加するには、7日以内に次のリンクを開いてください。

    { $link }

    招待にお心当たりがない場合は、何もする必要はありません。
new-device-subject = 新しい端末からのログイン
new-device-text =
    これまでに使われたことのない端末（{ $name }）から、Matomeアカウントへのログインがありました。

    ご本人の場合は、何もする必要はありません。そうでない場合は、そのセッションを終了し、パスワードを変更してください。

    { $link }
password-changed-subject = パスワードが変更されました
password-changed-text =
    Matomeアカウントのパスワードが変更され、ほかのすべてのセッションが終了しました。

    お心当たりがない場合は、すぐに新しいパスワードを設定してください。

    { $link }
