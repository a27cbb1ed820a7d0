//! `message`: the agent is about to send or publish something that others read.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "send message",
        "send email",
        "send mail",
        "send reply",
        "send invitation",
        "send now",
        "send the email",
        "send the message",
        "post comment",
        "post reply",
        "post now",
        "publish now",
        "publish post",
        "submit comment",
        "submit review",
        "submit post",
        "submit reply",
        "schedule send",
        "send request",
        "share post",
        "create post",
        "post a comment",
    ],
    labels: &["send", "post", "publish", "tweet", "connect", "send later", "send for later"],
    doings: &[],
    acts: &[
        Verbs {
            plain: &["send", "resend", "forward"],
            doing: &["sending", "resending", "forwarding"],
            objects: &[],
            not: &[
                "money",
                "payment",
                "funds",
                "transaction",
                "request to the server",
                "query",
                "to your question",
                "to your request",
                "to the user",
                "user's question",
                "certificate",
                "refund",
                "accordingly",
                "based on",
                "answer",
                "final",
                "completion",
                "results",
                "noop",
                "action",
                "in a simple format",
                "specifications",
                "message",
                "messages",
                "response",
            ],
        },
        Verbs {
            plain: &["reply", "respond"],
            doing: &["replying", "responding"],
            objects: &[],
            not: &[
                "to the user",
                "user's question",
                "to your",
                "to you",
                "accordingly",
                "based on",
                "with the answer",
                "with the final",
            ],
        },
        Verbs {
            plain: &["send", "resend"],
            doing: &["sending", "resending"],
            objects: &[
                "message to",
                "messages to",
                "reply to",
                "response to",
                "direct message",
                "direct messages",
                "message in",
                "reply in",
                "messages in",
                "message on",
            ],
            not: &["to the user", "to report", "to confirm", "to inform", "to explain", "to you", "to indicate"],
        },
        Verbs {
            plain: &["post", "publish", "tweet", "share"],
            doing: &["posting", "publishing", "tweeting", "sharing"],
            objects: &[
                "it",
                "this",
                "that",
                "them",
                "message",
                "comment",
                "reply",
                "review",
                "post",
                "content",
                "article",
                "question",
                "text",
                "page",
                "announcement",
                "update",
                "webpage",
                "website",
                "channel",
                "job",
                "listing",
                "photo",
                "summary",
                "story",
                "information",
            ],
            not: &["file", "document", "with you", "button to open"],
        },
        Verbs {
            plain: &["submit", "leave", "add", "write"],
            doing: &["submitting", "leaving", "adding"],
            objects: &["comment", "review", "reply", "tweet"],
            not: &["button", "section", "field"],
        },
        Verbs {
            plain: &["email", "message", "notify", "dm"],
            doing: &["emailing", "messaging", "notifying"],
            objects: &[],
            not: &["you", "the user"],
        },
    ],
    needs: false,
    tools: &[
        Tools {
            verbs: &[
                "send",
                "post",
                "reply",
                "forward",
                "publish",
                "tweet",
                "comment",
                "email",
                "message",
                "notify",
                "dm",
                "broadcast",
                "respond",
                "retweet",
            ],
            objects: &[],
            not: &[
                "money",
                "payment",
                "fund",
                "transaction",
                "certificate",
                "draft",
                "request",
                "get",
                "key",
                "keys",
                "type",
                "query",
                "user",
            ],
        },
        Tools {
            verbs: &["create", "add", "submit", "write", "schedule", "open", "make"],
            objects: &[
                "email",
                "message",
                "comment",
                "post",
                "issue",
                "review",
                "reply",
                "tweet",
                "announcement",
                "dm",
                "pull",
            ],
            not: &["draft", "list"],
        },
        Tools { verbs: &["issue"], objects: &[], not: &["list", "certificate", "refund", "number"] },
    ],
    foreign_buttons: &[
        "nachricht senden",
        "e-mail senden",
        "jetzt senden",
        "absenden",
        "beitrag veröffentlichen",
        "veröffentlichen",
        "envoyer le message",
        "envoyer l'e-mail",
        "publier",
        "enviar mensaje",
        "enviar correo",
        "publicar",
        "invia messaggio",
        "invia email",
        "pubblica",
        "enviar mensagem",
        "enviar e-mail",
        "送信する",
        "投稿する",
        "发送消息",
        "发送邮件",
        "立即发送",
        "发布",
    ],
    foreign_doings: &[
        "sende jetzt",
        "j'envoie",
        "envío ahora",
        "invio ora",
        "送信します",
        "投稿します",
        "我将发送",
        "正在发送",
    ],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Message;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Message,
            &Thought,
            true,
            &[
                "Now I will send the email to Priya",
                "I'll reply to her message with the dates",
                "Let me post this update in the general channel",
                "I will click the \"Send\" button",
                "Let me click on **Post** to publish it",
                "I am sending the report to the whole team now",
                "Next, I will forward the invoice to accounting",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Message,
            &Thought,
            false,
            &[
                "I should read the thread before replying",
                "The message was sent successfully",
                "I have posted the comment",
                "The Send button is disabled",
                "I need to find out how to send an email",
                "I won't send anything",
                "Email: ana@example.com",
                "There is a \"Send\" button and a \"Discard\" button",
                "I will send the answer to the user",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Message,
            &Step,
            true,
            &[
                "send_email({\"to\": \"a@b.c\"})",
                "slack.postMessage(channel)",
                "gmail_reply(thread)",
                "click('a51')\nbutton\nSend",
                "create_issue({\"title\": \"x\"})",
                "mcp__github__add_issue_comment",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            Message,
            &Step,
            false,
            &[
                "search_emails({\"query\": \"send\"})",
                "get_messages()",
                "create_draft()",
                "click('a51')\nbutton\nCompose",
                "send_msg_to_user(\"done\")",
                "email_content.txt",
            ],
        );
    }
}
