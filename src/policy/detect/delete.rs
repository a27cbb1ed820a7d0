//! `delete`: the agent is about to delete something that may not come back.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "rm -rf",
        "rm -fr",
        "drop table",
        "drop database",
        "delete from",
        "kubectl delete",
        "terraform destroy",
        "gh repo delete",
        "git push --force",
        "aws s3 rm",
        "delete event",
        "delete account",
        "delete file",
        "delete message",
        "delete email",
        "delete conversation",
        "delete forever",
        "delete permanently",
        "permanently delete",
        "delete repository",
        "delete calendar",
        "confirm delete",
        "confirm deletion",
        "confirm the deletion",
        "yes, delete",
        "empty trash",
        "delete post",
        "delete all",
        "move to trash",
        "delete this",
        "delete project",
        "delete card",
        "delete address",
    ],
    labels: &["delete", "erase", "move to trash", "empty trash", "discard"],
    doings: &[],
    acts: &[
        Verbs {
            plain: &["delete", "erase", "wipe", "purge"],
            doing: &["deleting", "erasing", "wiping", "purging"],
            objects: &[],
            not: &[
                "text",
                "word",
                "character",
                "characters",
                "letters",
                "query",
                "field",
                "input",
                "filter",
                "draft",
                "search",
            ],
        },
        Verbs {
            plain: &["empty", "drop", "terminate", "nuke", "trash", "get rid of", "destroy"],
            doing: &["emptying", "dropping", "terminating", "destroying"],
            objects: &[
                "trash", "bin", "table", "tables", "database", "instance", "server", "files", "backups", "bucket",
                "account", "cluster", "branch",
            ],
            not: &["cart", "filter"],
        },
        Verbs {
            plain: &["remove"],
            doing: &["removing"],
            objects: &[
                "user",
                "account",
                "file",
                "files",
                "key",
                "repository",
                "member",
                "contact",
                "collaborator",
                "email",
                "emails",
                "permanently",
                "him",
                "her",
            ],
            not: &["cart", "filter", "bag", "basket", "guest", "list"],
        },
    ],
    needs: true,
    tools: &[
        Tools {
            verbs: &["delete", "erase", "purge", "wipe", "drop", "destroy", "trash", "rm", "unlink"],
            objects: &[],
            not: &["cart", "draft", "filter"],
        },
        Tools {
            verbs: &["remove"],
            objects: &[
                "user",
                "account",
                "file",
                "key",
                "repo",
                "repository",
                "member",
                "contact",
                "collaborator",
                "email",
                "message",
                "access",
            ],
            not: &["cart", "calendar"],
        },
        Tools { verbs: &["cancel"], objects: &["calendar", "event"], not: &[] },
        Tools { verbs: &["close", "deactivate"], objects: &["account"], not: &[] },
    ],
    foreign_buttons: &[
        "endgültig löschen",
        "konto löschen",
        "löschen bestätigen",
        "supprimer définitivement",
        "supprimer le compte",
        "eliminar cuenta",
        "eliminar definitivamente",
        "elimina account",
        "elimina definitivamente",
        "excluir conta",
        "削除する",
        "完全に削除",
        "永久删除",
        "确认删除",
    ],
    foreign_doings: &["lösche jetzt", "je supprime", "削除します"],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Delete;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Delete,
            &Thought,
            true,
            &[
                "I will now delete the file",
                "Let me click the \"Delete event\" button",
                "I'm going to remove the user from the workspace",
                "I'll permanently delete the account",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Delete,
            &Thought,
            false,
            &[
                "I will not delete the file",
                "I'll delete the text in the field",
                "Let me remove the filter",
                "The file was deleted",
                "I need to remove the item from the cart",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Delete,
            &Step,
            true,
            &[
                "delete_file({\"id\": 4})",
                "git_delete_ssh_key()",
                "removeUser(3)",
                "cancel_calendar_event()",
                "click\nDelete permanently",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            Delete,
            &Step,
            false,
            &["remove_from_cart()", "clear_filters()", "list_deleted_files()", "delete_draft()"],
        );
    }
}
