//! What people say about themselves, and the questions that ask for it, by general patterns:
//! "my X is Y", "I am Y", "call me Y", "I VERB Y".

/// Something that a person said about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) about: About,
    /// In the person's own words, without the full stop.
    pub(super) value: String,
}

/// What a fact or a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// "my X"
    Mine(String),
    /// "I am"
    Being,
    /// "I VERB"
    Doing(String),
    /// Everything that is known.
    All,
}

/// Verbs that follow "I" without telling anything about the person.
const NOT_FACTS: &[&str] = &[
    "think", "wonder", "want", "need", "would", "can", "could", "will", "do", "did", "don't", "am",
    "have", "should", "must", "may", "might", "hope", "guess", "mean", "see", "know", "was", "ask",
    "asked", "said", "say", "tell", "told", "just", "never", "cannot", "can't", "won't",
];

/// The facts in a text, in the order in which they are told.
pub(super) fn facts(text: &str) -> Vec<Fact> {
    let told = clauses(text).into_iter().filter(|clause| !clause.question);
    told.filter_map(|clause| fact(&clause.words)).collect()
}

/// What a text asks for, if it asks for a fact.
pub(super) fn question(text: &str) -> Option<About> {
    clauses(text)
        .iter()
        .rev()
        .filter(|clause| clause.asks())
        .find_map(|clause| asked(&clause.words))
}

/// The last fact that answers a question: who changes their mind is right.
pub(super) fn recall<'a>(known: &'a [Fact], about: &About) -> Option<&'a Fact> {
    let found = known.iter().rev().find(|fact| fact.about == *about);
    found.or_else(|| match about {
        About::Mine(what) if what == "name" => known
            .iter()
            .rev()
            .find(|fact| fact.about == About::Being && fact.value.starts_with(char::is_uppercase)),
        About::Being => recall(known, &About::Mine("name".to_owned())),
        _ => None,
    })
}

/// A fact told back to the person who told it: "your name is ...".
pub(super) fn told_back(fact: &Fact) -> String {
    let value = turned(&fact.value);
    match &fact.about {
        About::Mine(what) => format!("your {} is {value}", turned(what)),
        About::Doing(verb) => format!("you {verb} {value}"),
        About::Being | About::All => format!("you are {value}"),
    }
}

/// What is asked, as the end of "I do not know ... yet".
pub(super) fn named(about: &About) -> String {
    match about {
        About::Mine(what) => format!("your {}", turned(what)),
        About::Being => "who you are".to_owned(),
        About::Doing(verb) => format!("what you {verb}"),
        About::All => "anything about you".to_owned(),
    }
}

struct Clause<'a> {
    words: Vec<&'a str>,
    question: bool,
}

impl Clause<'_> {
    fn asks(&self) -> bool {
        let opener = self
            .words
            .first()
            .map(|word| bare(word))
            .unwrap_or_default();
        let openers = [
            "what", "what's", "whats", "who", "where", "when", "which", "how", "do", "tell",
        ];
        self.question || openers.contains(&opener.as_str()) || opener == "remind"
    }
}

/// Sentences, and the parts of one that "and" joins where a new fact begins.
fn clauses(text: &str) -> Vec<Clause<'_>> {
    let mut found = Vec::new();
    for sentence in text.split_inclusive(['.', '!', '?', ';', '\n', ',']) {
        let question = sentence.trim_end().ends_with('?');
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let mut start = 0;
        for at in 1..words.len() {
            let begins = ["my", "i", "i'm"].contains(&bare(words[at]).as_str());
            if begins && ["and", "but"].contains(&bare(words[at - 1]).as_str()) {
                found.push(Clause {
                    words: words[start..at - 1].to_vec(),
                    question,
                });
                start = at;
            }
        }
        found.push(Clause {
            words: words[start..].to_vec(),
            question,
        });
    }
    found.retain(|clause| !clause.words.is_empty());
    found
}

fn fact(words: &[&str]) -> Option<Fact> {
    let lower: Vec<String> = words.iter().map(|word| bare(word)).collect();
    let start = lower
        .iter()
        .position(|word| ["my", "i", "i'm", "call"].contains(&word.as_str()))?;
    // "Hello, I am ..." begins with what is not the fact; more than that is another kind of clause.
    if start > 2 {
        return None;
    }
    let (words, lower) = (&words[start..], &lower[start..]);
    let value = |from: usize| {
        let joined = words.get(from..).unwrap_or_default().join(" ");
        let trimmed = joined.trim_end_matches(['.', '!', '?', ';', ',']).trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    };
    let mine = |what: String, from| {
        Some(Fact {
            about: About::Mine(what),
            value: value(from)?,
        })
    };
    match lower[0].as_str() {
        "my" => {
            let is = lower
                .iter()
                .position(|word| ["is", "are", "was"].contains(&word.as_str()))?;
            if is < 2 {
                None
            } else {
                mine(lower[1..is].join(" "), is + 1)
            }
        }
        "call" => {
            if lower.get(1)? == "me" {
                mine("name".to_owned(), 2)
            } else {
                None
            }
        }
        "i'm" => Some(Fact {
            about: About::Being,
            value: value(1)?,
        }),
        _ => match lower.get(1)?.as_str() {
            "am" if lower.get(2).is_some_and(|word| word == "called") => mine("name".to_owned(), 3),
            "am" => Some(Fact {
                about: About::Being,
                value: value(2)?,
            }),
            verb if NOT_FACTS.contains(&verb) => None,
            verb => Some(Fact {
                about: About::Doing(verb.to_owned()),
                value: value(2)?,
            }),
        },
    }
}

fn asked(words: &[&str]) -> Option<About> {
    let mut lower: Vec<String> = words.iter().map(|word| bare(word)).collect();
    while lower
        .last()
        .is_some_and(|word| ["again", "please", "now", "then"].contains(&word.as_str()))
    {
        lower.pop();
    }
    let has = |word: &str| lower.iter().any(|other| other == word);
    if has("me") && has("about") && has("know") {
        return Some(About::All);
    }
    if let Some(my) = lower.iter().rposition(|word| word == "my") {
        let what = lower[my + 1..]
            .iter()
            .take_while(|word| !["is", "are", "was"].contains(&word.as_str()));
        let what = what.map(String::as_str).collect::<Vec<_>>().join(" ");
        return (!what.is_empty()).then_some(About::Mine(what));
    }
    let i = lower.iter().rposition(|word| word == "i")?;
    if i > 0 && lower[i - 1] == "am" && i + 1 == lower.len() {
        return Some(About::Being);
    }
    let verb = lower.get(i + 1)?;
    let asks = i > 0 && ["do", "did"].contains(&lower[i - 1].as_str());
    (asks && i + 2 == lower.len()).then(|| About::Doing(verb.clone()))
}

fn bare(word: &str) -> String {
    let word = word.replace('\u{2019}', "'");
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

/// The same words from the other side: "my" becomes "your".
fn turned(text: &str) -> String {
    let turn = |word: &str| match bare(word).as_str() {
        "my" => "your".to_owned(),
        "i" | "me" => "you".to_owned(),
        "am" => "are".to_owned(),
        "mine" => "yours".to_owned(),
        "myself" => "yourself".to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(turn).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(said: &[&str], asking: &str) -> Option<String> {
        let known: Vec<Fact> = said.iter().flat_map(|text| facts(text)).collect();
        recall(&known, &question(asking)?).map(told_back)
    }

    #[test]
    fn facts_are_recalled_by_general_patterns() {
        let cases: &[(&[&str], &str, &str)] = &[
            (
                &["My name is Alice"],
                "What is my name?",
                "your name is Alice",
            ),
            (
                &["Hi! my name is Zoë Müller."],
                "whats my name",
                "your name is Zoë Müller",
            ),
            (&["Hello, I'm Bob."], "What's my name?", "you are Bob"),
            (
                &["Please call me Al"],
                "Do you remember my name?",
                "your name is Al",
            ),
            (
                &["My favourite colour is dark blue."],
                "Tell me my favourite colour again, please",
                "your favourite colour is dark blue",
            ),
            (
                &["I live in Paris and my dog is called Rex"],
                "Where do I live?",
                "you live in Paris",
            ),
            (
                &["I live in Paris and my dog is called Rex"],
                "Who is my dog?",
                "your dog is called Rex",
            ),
            (
                &["I like tea", "I like coffee now"],
                "What do I like?",
                "you like coffee now",
            ),
            (&["I am a baker"], "Who am I?", "you are a baker"),
            (
                &["My boss is my sister"],
                "Who is my boss?",
                "your boss is your sister",
            ),
        ];
        for (said, asking, expected) in cases {
            assert_eq!(
                answer(said, asking).as_deref(),
                Some(*expected),
                "{said:?} {asking}"
            );
        }
    }

    #[test]
    fn what_was_not_told_is_not_known() {
        assert_eq!(answer(&["My name is Alice"], "What is my age?"), None);
        assert_eq!(
            answer(&["I wonder what my name is"], "What do I wonder?"),
            None
        );
        assert_eq!(question("Summarize this document"), None);
        assert_eq!(question("My name is Alice"), None);
        assert!(facts("What is my name?").is_empty());
    }
}
