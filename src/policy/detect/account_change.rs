//! `account_change`: the agent is about to change a password, a profile, or how an account is protected or reached.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "change password",
        "update password",
        "reset password",
        "save password",
        "change email",
        "change address",
        "update address",
        "change plan",
        "disable two-factor",
        "turn off two-factor",
        "change phone number",
        "update profile",
        "update account",
        "close account",
        "deactivate account",
    ],
    labels: &[],
    doings: &[],
    acts: &[Verbs {
        plain: &["change", "update", "reset", "set", "modify", "save"],
        doing: &["changing", "updating", "resetting", "setting", "modifying", "saving"],
        objects: &[
            "password",
            "passwords",
            "account details",
            "user information",
            "user info",
            "two-factor",
            "2fa",
            "account's",
            "profile",
            "account information",
            "shipping address",
            "recovery",
        ],
        not: &["page", "filter", "search", "quantity", "date"],
    }],
    needs: false,
    tools: &[
        Tools {
            verbs: &["create", "register", "sign", "open"],
            objects: &["account", "up"],
            not: &["details", "list", "number"],
        },
        Tools {
            verbs: &["update", "change", "set", "reset", "modify", "edit", "save"],
            objects: &[
                "password",
                "user",
                "account",
                "profile",
                "address",
                "email",
                "phone",
                "2fa",
                "mfa",
                "security",
                "username",
                "billing",
                "credential",
            ],
            not: &["draft", "calendar", "event", "cart", "reservation", "participants"],
        },
        Tools {
            verbs: &["disable", "deactivate"],
            objects: &["account", "2fa", "mfa", "security", "two", "alert"],
            not: &[],
        },
    ],
    foreign_buttons: &[
        "passwort ändern",
        "kennwort ändern",
        "changer le mot de passe",
        "cambiar contraseña",
        "cambiar la contraseña",
        "cambia password",
        "alterar senha",
        "パスワードを変更",
        "修改密码",
    ],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::AccountChange;

    #[test]
    fn what_is_announced_fires() {
        expect(
            AccountChange,
            &Thought,
            true,
            &["I will now change the password", "Let me update the user's profile", "I'll click \"Change email\""],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            AccountChange,
            &Thought,
            false,
            &["The password was changed", "I need to find where to change the password", "I will set the quantity"],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            AccountChange,
            &Step,
            true,
            &["update_password({})", "update_user_info({})", "changeEmail(x)", "disable_2fa()"],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(AccountChange, &Step, false, &["get_user_info()", "update_cart()", "check_password_strength()"]);
    }
}
