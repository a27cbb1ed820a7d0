//! `form_submit`: the agent is about to submit a form, an application or a registration, whatever it is for.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "submit offer",
        "send offer",
        "submit job",
        "send proposal",
        "contact agent",
        "request info",
        "send inquiry",
        "submit application",
        "submit form",
        "submit the form",
        "submit request",
        "submit proposal",
        "submit claim",
        "apply now",
        "sign up",
        "create account",
        "agree and continue",
        "accept terms",
        "i agree",
        "post this job",
        "post job",
        "submit the application",
        "submit the request",
        "easy apply",
        "sign document",
    ],
    labels: &["submit", "apply", "register", "confirm", "sign", "accept", "agree"],
    doings: &[],
    acts: &[Verbs {
        plain: &["submit", "file"],
        doing: &["submitting", "filing"],
        objects: &[
            "form",
            "application",
            "proposal",
            "request",
            "claim",
            "registration",
            "survey",
            "report",
            "complaint",
            "ticket",
        ],
        not: &["search", "filter", "query"],
    }],
    needs: false,
    tools: &[Tools {
        verbs: &["submit", "register", "apply", "sign", "accept", "file"],
        objects: &[],
        not: &["filter", "search", "query", "coupon", "discount", "patch", "in", "review", "comment"],
    }],
    foreign_buttons: &[
        "formular absenden",
        "antrag stellen",
        "jetzt bewerben",
        "konto erstellen",
        "envoyer le formulaire",
        "envoyer la demande",
        "enviar formulario",
        "enviar solicitud",
        "invia modulo",
        "invia richiesta",
        "enviar formulário",
        "フォームを送信",
        "提交表单",
        "提交申请",
    ],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::FormSubmit;

    #[test]
    fn what_is_announced_fires() {
        expect(
            FormSubmit,
            &Thought,
            true,
            &["I will now submit the application", "Let me click the \"Submit\" button", "I'll click \"Apply now\""],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            FormSubmit,
            &Thought,
            false,
            &["The form was submitted", "I will fill in the form", "The Submit button is greyed out"],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(FormSubmit, &Step, true, &["submit_form()", "apply_for_job(3)", "click('x')\nbutton\nSubmit"]);
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(FormSubmit, &Step, false, &["apply_filter()", "apply_coupon()", "get_form()"]);
    }
}
