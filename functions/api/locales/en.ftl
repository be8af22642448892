verify-email-subject = Please confirm your e-mail address
verify-email-text =
    Somebody, hopefully you, has registered with Matome with this e-mail address.
    To confirm that it is yours, open this link within 24 hours and enter the password that you registered with:

    { $link }

    If it was not you, you need not do anything.
already-registered-subject = You already have an account
already-registered-text =
    Somebody, hopefully you, wanted to register with Matome with this e-mail address, which has an account already.
    You can log in, or choose a new password, here:

    { $link }

    If it was not you, you need not do anything.
reset-password-subject = Choose a new password
reset-password-text =
    Somebody, hopefully you, has asked for a new password for your Matome account.
    To choose one, open this link within an hour:

    { $link }

    If it was not you, you need not do anything: your password stays as it is.
invitation-subject = You are invited to { $name }
invitation-text =
    You are invited to work with “{ $name }” in Matome.
    To accept, open this link within seven days:

    { $link }

    If you do not know who invites you, you need not do anything.
new-device-subject = New sign-in to your account
new-device-text =
    Somebody has signed in to your Matome account with a device that we had not seen before: { $name }.

    If it was you, you need not do anything. If it was not, end that session and choose a new password:

    { $link }
password-changed-subject = Your password was changed
password-changed-text =
    The password of your Matome account was changed, and all other sessions were ended.

    If it was not you, choose a new password at once:

    { $link }
