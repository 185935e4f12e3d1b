//! The default model: deterministic rules, so that a test can know the answer beforehand.

use futures::StreamExt;

use super::facts::{About, Fact, facts, named, question, recall, told_back};
use super::{Answer, Ask, Document, Model, Part, Role};
use crate::ids::pick;

/// Answers by rule from the prompt, the documents in it and the history of the session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DefaultModel {
    seed: u64,
}

impl DefaultModel {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The whole answer.
    pub(crate) fn text(&self, ask: &Ask) -> String {
        let said = said(ask);
        let words = Words {
            seed: self.seed,
            ask,
            said,
        };
        let known = || {
            let earlier = ask.history.iter().filter(|turn| turn.role == Role::User);
            let mut known: Vec<Fact> = earlier.flat_map(|turn| facts(&turn.text)).collect();
            known.extend(facts(said));
            known
        };
        if !ask.documents.is_empty() {
            return words.with_documents(&ask.documents);
        }
        if let Some(about) = question(said) {
            return words.recalled(&known(), &about);
        }
        if let Some(text) = words.summary() {
            return text;
        }
        let told = facts(said);
        if !told.is_empty() {
            return words.noted(&told);
        }
        words.small_talk().unwrap_or_else(|| words.other())
    }
}

impl Model for DefaultModel {
    fn answer(&self, ask: &Ask) -> Answer {
        let text = self.text(ask);
        // Word by word as they are asked for: an open stream keeps its text once and no list.
        let mut at = 0;
        let words = std::iter::from_fn(move || {
            let word = text[at..].split_inclusive(' ').next()?.to_owned();
            at += word.len();
            Some(Ok(Part::Text(word)))
        });
        futures::stream::iter(words).boxed()
    }
}

/// What the person said: known from the flow, or else the last line of the prompt.
fn said(ask: &Ask) -> &str {
    let last = || {
        ask.prompt
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty())
    };
    ask.said.as_deref().or_else(last).unwrap_or_default().trim()
}

struct Words<'a> {
    seed: u64,
    ask: &'a Ask,
    said: &'a str,
}

impl Words<'_> {
    /// A cold model always says the first; a hot one chooses among the others, always the same
    /// for the same question, so that a tweaked temperature shows.
    fn choose<'b>(&self, ways: &[&'b str]) -> &'b str {
        let others = (self.ask.temperature.max(0.0) * 4.0).floor().min(100.0) as usize;
        let others = others.min(ways.len().saturating_sub(1));
        if others == 0 {
            return ways.first().copied().unwrap_or_default();
        }
        let heat = self.ask.temperature.to_string();
        let number = pick(self.seed, &[&heat, &self.ask.model_name, self.said]);
        ways[1 + (number % others as u64) as usize]
    }

    fn with_documents(&self, documents: &[Document]) -> String {
        let count = documents.len();
        let lead = self.choose(&["From", "Drawing on", "Based on", "According to"]);
        let noun = if count == 1 { "document" } else { "documents" };
        let parts = documents.iter().enumerate().map(|(index, document)| {
            let first = document
                .text
                .split_inclusive(['.', '!', '?'])
                .next()
                .unwrap_or_default();
            format!("[{}] {}: {}", index + 1, document.title, first.trim())
        });
        format!(
            "{lead} {count} {noun}: {}",
            parts.collect::<Vec<_>>().join(" ")
        )
    }

    fn recalled(&self, known: &[Fact], about: &About) -> String {
        if *about == About::All && !known.is_empty() {
            let all: Vec<String> = known.iter().map(told_back).collect();
            return sentence(&all.join("; "));
        }
        match recall(known, about) {
            Some(fact) => {
                let lead = self.choose(&[
                    "",
                    "As you told me, ",
                    "If I remember well, ",
                    "I remember: ",
                ]);
                sentence(&format!("{lead}{}", told_back(fact)))
            }
            None => {
                let lead = self.choose(&[
                    "I don't know",
                    "I cannot tell",
                    "I have no idea of",
                    "Nobody told me",
                ]);
                format!(
                    "{lead} {} yet: you have not told me in this session.",
                    named(about)
                )
            }
        }
    }

    fn noted(&self, told: &[Fact]) -> String {
        let back: Vec<String> = told.iter().map(told_back).collect();
        let lead = self.choose(&["Got it", "Noted", "Thank you", "I will remember"]);
        format!("{lead}: {}.", back.join(", and "))
    }

    fn summary(&self) -> Option<String> {
        let mut words = self.said.split_whitespace();
        let verb = words.next()?.to_lowercase();
        if !["summarize", "summarise", "summary"].contains(&verb.trim_end_matches(':')) {
            return None;
        }
        let rest: Vec<&str> = words.collect();
        let lead = self.choose(&["In short", "Summary", "To sum up", "The gist"]);
        let text = if rest.len() > 12 {
            format!(
                "{} ...",
                rest[..12].join(" ").trim_end_matches([',', '.', ';', ':'])
            )
        } else if rest.is_empty() {
            "there is nothing to summarize.".to_owned()
        } else {
            format!("{}.", rest.join(" ").trim_end_matches(['.', '?', '!']))
        };
        Some(format!("{lead}: {text}"))
    }

    fn small_talk(&self) -> Option<String> {
        let lower = self.said.to_lowercase();
        let first = lower
            .split(|c: char| !c.is_alphanumeric())
            .find(|word| !word.is_empty())?;
        if lower.contains("how are you") {
            let ways = [
                "I'm doing well, thank you for asking!",
                "I'm fine, thanks! And you?",
                "Very well, thank you!",
                "All is well here, thanks for asking!",
            ];
            return Some(self.choose(&ways).to_owned());
        }
        if ["hello", "hi", "hey", "greetings"].contains(&first) {
            let ways = ["Hello!", "Hi there!", "Good to see you!", "Welcome!"];
            let persona = self
                .persona()
                .map_or_else(String::new, |who| format!(" I am {who}."));
            return Some(format!(
                "{}{persona} How can I help you?",
                self.choose(&ways)
            ));
        }
        if ["thanks", "thank"].contains(&first) {
            return Some(
                self.choose(&["You're welcome!", "My pleasure!", "Any time!"])
                    .to_owned(),
            );
        }
        if ["bye", "goodbye"].contains(&first) {
            return Some(
                self.choose(&["Goodbye!", "See you soon!", "Until next time!"])
                    .to_owned(),
            );
        }
        None
    }

    fn other(&self) -> String {
        if self.said.is_empty() {
            return "You have not said anything yet.".to_owned();
        }
        let ways = ["You said", "I heard", "Your words were", "You wrote"];
        format!("{}: {}", self.choose(&ways), self.said)
    }

    /// Who the instructions tell the model to be: the rest of "You are ...".
    fn persona(&self) -> Option<&str> {
        let told = [self.ask.system.as_str(), self.ask.instructions.as_str()];
        told.into_iter().find_map(|text| {
            let (_, rest) = text.split_once("You are ")?;
            let who = rest.split(['.', '\n', ',', ';', '!']).next()?.trim();
            (!who.is_empty()).then_some(who)
        })
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::Turn;
    use super::*;

    fn ask(said: &str) -> Ask {
        Ask {
            said: Some(said.to_owned()),
            model_name: "gpt-4o-mini".to_owned(),
            ..Ask::default()
        }
    }

    fn reply(ask: &Ask) -> String {
        DefaultModel::new(42).text(ask)
    }

    #[test]
    fn the_answer_of_the_documentation() {
        assert_eq!(
            reply(&ask("Hello, how are you?")),
            "I'm doing well, thank you for asking!"
        );
    }

    #[test]
    fn history_is_used_and_only_history() {
        let mut second = ask("What is my name?");
        assert!(reply(&second).starts_with("I don't know your name yet"));
        second.history.push(Turn {
            role: Role::User,
            text: "My name is Ines".to_owned(),
        });
        assert_eq!(reply(&second), "Your name is Ines.");
        assert_eq!(reply(&ask("My name is Ines")), "Got it: your name is Ines.");
    }

    #[test]
    fn temperature_changes_the_words_and_the_same_temperature_does_not() {
        let cold = ask("Hello, how are you?");
        let hot = Ask {
            temperature: 0.5,
            ..cold.clone()
        };
        assert_ne!(reply(&cold), reply(&hot));
        assert_eq!(reply(&hot), reply(&hot));
        assert_eq!(
            reply(&cold),
            reply(&Ask {
                temperature: 0.1,
                ..cold.clone()
            })
        );
    }

    #[test]
    fn instructions_documents_and_everything_else() {
        let mut hello = ask("Hello");
        hello.instructions = "You are a friendly assistant.\nUser: ".to_owned();
        assert_eq!(
            reply(&hello),
            "Hello! I am a friendly assistant. How can I help you?"
        );
        let mut about = ask("What is a flow?");
        about.documents = vec![Document {
            title: "Flows".to_owned(),
            text: "A flow. More.".to_owned(),
        }];
        assert_eq!(reply(&about), "From 1 document: [1] Flows: A flow.");
        assert_eq!(reply(&ask("My question")), "You said: My question");
        assert_eq!(
            reply(&ask("Summarize this document")),
            "In short: this document."
        );
        assert_eq!(reply(&ask("")), "You have not said anything yet.");
        let plain = Ask {
            prompt: "System line\n\nHello\n".to_owned(),
            ..Ask::default()
        };
        assert!(reply(&plain).starts_with("Hello!"));
    }
}
