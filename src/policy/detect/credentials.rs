//! `credentials`: the agent is about to log in, or to hand over a password, a code or a key.

use super::family::{Family, Verbs};
use super::tool::Tools;

#[rustfmt::skip]
const SECRETS: &[&str] = &[
    "password", "passwords", "passcode", "pin", "otp", "one-time password", "verification code", "security code", "credentials", "api key",
    "access token", "passphrase", "private key", "seed phrase", "2fa code", "social security number", "ssn", "passport number", "secret key",
];

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "log in",
        "sign in",
        "continue with google",
        "sign in with google",
        "log in with google",
        "verify account",
    ],
    labels: &["login", "log in", "sign in", "verify"],
    doings: &[],
    acts: &[
        Verbs {
            plain: &["enter", "type", "fill", "input", "submit", "use", "paste", "send", "share"],
            doing: &[
                "entering",
                "typing",
                "filling",
                "inputting",
                "submitting",
                "using",
                "pasting",
                "sending",
                "sharing",
            ],
            objects: SECRETS,
            not: &["field is", "reset page"],
        },
        Verbs {
            plain: &["verify", "authenticate"],
            doing: &["verifying", "authenticating"],
            objects: &["account", "identity", "password", "myself"],
            not: &["balance", "page", "details", "status"],
        },
        Verbs {
            plain: &["log in", "log into", "sign in", "sign into", "login"],
            doing: &["logging in", "logging into", "signing in", "signing into"],
            objects: &[],
            not: &[],
        },
    ],
    needs: false,
    tools: &[
        Tools { verbs: &["login", "authenticate", "signin", "logon"], objects: &[], not: &["status", "page", "url"] },
        Tools { verbs: &["log", "sign"], objects: &["in", "into"], not: &[] },
        Tools {
            verbs: &["verify", "enter", "submit", "use"],
            objects: &["account", "password", "otp", "identity", "credential", "pin", "token", "code"],
            not: &["balance", "coupon", "discount", "source"],
        },
        Tools { verbs: &["create", "generate", "add", "set"], objects: &["token", "credential", "secret"], not: &[] },
    ],
    foreign_buttons: &[
        "anmelden",
        "einloggen",
        "se connecter",
        "iniciar sesión",
        "accedi",
        "iniciar sessão",
        "ログイン",
        "登录",
    ],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Credentials;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Credentials,
            &Thought,
            true,
            &[
                "I will log in with the saved account",
                "Let me enter the password now",
                "Now I will use the OTP to verify the account",
                "I'll click \"Sign in\"",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Credentials,
            &Thought,
            false,
            &[
                "The page asks me to log in",
                "I was logged out",
                "I need to log in to see it, so I will look for the credentials",
                "Signed in successfully",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Credentials,
            &Step,
            true,
            &[
                "login({\"user\": \"a\"})",
                "verify_github_account({})",
                "enter_password(x)",
                "sign_in()",
                "signIn(user)",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            Credentials,
            &Step,
            false,
            &["get_login_url()", "is_logged_in()", "click\nForgot password?", "sign_document()"],
        );
    }
}
