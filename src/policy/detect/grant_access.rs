//! `grant_access`: the agent is about to let somebody in: to invite, to share, to hand over.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "send invite",
        "send invitation",
        "invite user",
        "invite member",
        "add member",
        "add collaborator",
        "grant access",
        "make public",
        "transfer ownership",
        "share file",
        "share document",
        "give access",
        "accept invitation",
        "allow access",
        "authorize app",
        "authorize application",
    ],
    labels: &["invite", "authorize", "grant"],
    doings: &[],
    acts: &[
        Verbs { plain: &["invite"], doing: &["inviting"], objects: &[], not: &["calendar event"] },
        Verbs {
            plain: &["share"],
            doing: &["sharing"],
            objects: &[
                "file",
                "files",
                "document",
                "folder",
                "repository",
                "drive",
                "access",
                "key",
                "spreadsheet",
                "calendar",
            ],
            not: &["with you", "summary", "details", "information"],
        },
        Verbs {
            plain: &["grant", "give"],
            doing: &["granting", "giving"],
            objects: &["access", "permission", "permissions", "rights", "ownership", "role"],
            not: &["myself"],
        },
        Verbs {
            plain: &["add"],
            doing: &["adding"],
            objects: &[
                "collaborator",
                "collaborators",
                "to the channel",
                "channel",
                "member",
                "user to",
                "to slack",
                "to the workspace",
                "to the repository",
                "administrator",
                "as an editor",
                "as editor",
                "as a viewer",
                "as an admin",
                "as admin",
                "as a member",
                "as an owner",
                "as a collaborator",
            ],
            not: &["cart", "calendar", "basket"],
        },
        Verbs {
            plain: &["make", "open", "authorize", "authorise"],
            doing: &["making", "opening", "authorizing"],
            objects: &["an admin", "admin", "an owner", "to anyone", "to everyone", "public", "oauth", "app access"],
            not: &["payment", "transaction"],
        },
        Verbs {
            plain: &["transfer"],
            doing: &["transferring"],
            objects: &["ownership", "repository", "repo", "account", "domain"],
            not: &["money", "funds", "human"],
        },
    ],
    needs: true,
    tools: &[
        Tools {
            verbs: &["invite", "grant", "authorize"],
            objects: &[],
            not: &["event", "calendar", "payment", "list"],
        },
        Tools {
            verbs: &["share"],
            objects: &[
                "file",
                "folder",
                "document",
                "doc",
                "drive",
                "repo",
                "repository",
                "access",
                "calendar",
                "note",
                "sheet",
                "key",
            ],
            not: &[],
        },
        Tools {
            verbs: &["add", "set", "update", "create", "give", "make"],
            objects: &[
                "user",
                "member",
                "collaborator",
                "permission",
                "access",
                "role",
                "admin",
                "visibility",
                "public",
                "key",
                "token",
            ],
            not: &["info", "calendar", "cart", "profile", "event", "password", "search"],
        },
        Tools { verbs: &["transfer"], objects: &["ownership", "repo", "repository", "owner", "domain"], not: &[] },
    ],
    foreign_buttons: &[],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::GrantAccess;

    #[test]
    fn what_is_announced_fires() {
        expect(
            GrantAccess,
            &Thought,
            true,
            &[
                "I will invite Lee as a collaborator",
                "Next, I will share the folder with the contractor",
                "Let me transfer the repository to Max",
                "I'll click \"Grant access\"",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            GrantAccess,
            &Thought,
            false,
            &[
                "The invitation was accepted",
                "I will add the item to the cart",
                "I'll share the summary with you",
                "Let me see who was invited",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            GrantAccess,
            &Step,
            true,
            &[
                "invite_user_to_slack({})",
                "share_file({})",
                "git_transfer_repo_ownership()",
                "add_user_to_channel()",
                "setPermissions(file)",
                "mcp__drive__create_permission",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            GrantAccess,
            &Step,
            false,
            &["add_calendar_event_participants()", "get_users()", "add_to_cart()", "list_permissions()"],
        );
    }
}
