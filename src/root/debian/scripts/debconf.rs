//! debconf's answers on a fresh machine that asks nobody: the templates' defaults.

use std::collections::BTreeMap;

use crate::deb::Paragraphs;

use super::super::Package;
use super::run::Runner;
use super::state::Value;

/// The defaults of a package's `templates`, by question; a question without a default is answered with nothing.
pub(super) fn answers(package: &Package<'_>) -> BTreeMap<String, String> {
    let mut answers = BTreeMap::new();
    let mut templates = Paragraphs::new(package.facts.text("templates").unwrap_or_default().as_bytes());
    // What is no template ends the list; its questions are answered with nothing, as unknown ones are.
    while let Ok(Some(template)) = templates.next_paragraph() {
        if let Some(name) = template.get("Template") {
            answers.insert(name.to_owned(), template.get("Default").unwrap_or_default().to_owned());
            let choices = template.get("Choices-C").or(template.get("Choices")).unwrap_or_default();
            answers.insert(format!("{name}\nchoices"), choices.to_owned());
        }
    }
    answers
}

impl Runner<'_> {
    /// A command of confmodule; what it answers is in `RET`.
    pub(super) fn debconf(&mut self, command: &str, arguments: &[Value]) -> Option<bool> {
        let question = arguments.first().cloned().flatten();
        let mut success = Some(true);
        let answer = match command {
            "db_get" => match question {
                // Nobody has the question: the default that the script brings for that holds.
                Some(question) => {
                    let answer = self.answers.get(&question).cloned();
                    success = Some(answer.is_some());
                    Some(answer.unwrap_or_default())
                }
                None => None,
            },
            "db_set" => {
                let value = arguments.get(1).cloned().flatten();
                match (question, value) {
                    (Some(question), Some(value)) => {
                        self.spend(value.len() / 64);
                        self.answers.insert(question, value);
                    }
                    (Some(question), None) => _ = self.answers.remove(&question),
                    _ => {}
                }
                Some(String::new())
            }
            "db_metaget" => match (question, arguments.get(1).cloned().flatten().as_deref()) {
                (Some(question), Some("choices")) => self.answers.get(&format!("{question}\nchoices")).cloned(),
                _ => None,
            },
            "db_fget" => Some("false".to_owned()),
            // Questions aren't asked.
            "db_input" => {
                success = Some(false);
                Some(String::new())
            }
            _ => Some(String::new()),
        };
        self.state.set("RET", answer);
        success
    }
}
