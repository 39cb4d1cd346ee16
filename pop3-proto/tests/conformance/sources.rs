//! The code and the transcripts that the ledger speaks of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The text of every file that may hold a test, by its path from the root of the repository.
pub(crate) struct Sources(BTreeMap<String, String>);

impl Sources {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Self(BTreeMap::new());
        for member in ["pop3-proto", "pop3-blocking", "pop3-tokio"] {
            for folder in ["src", "tests"] {
                sources.add(&root, &format!("{member}/{folder}"));
            }
        }
        sources.0.retain(|path, _| !path.starts_with("pop3-proto/tests/conformance/"));
        sources
    }

    fn add(&mut self, root: &Path, folder: &str) {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.add(root, &path);
            } else if has_extension(&path, "rs") || has_extension(&path, "txt") {
                self.0.insert(path, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// What stands at `path::function`, with what is written above it; of a transcript, all of it.
    pub(crate) fn test(&self, test: &str) -> Option<&str> {
        match test.split_once("::") {
            None => self.0.get(test).filter(|_| has_extension(test, "txt")).map(String::as_str),
            Some((path, name)) => {
                let found = function(self.0.get(path)?, name)?;
                // A scenario is played by a test of its name in each adapter.
                let is_scenario = path.contains("/tests/scenarios/");
                (is_scenario || found.lines().any(is_test)).then_some(found)
            }
        }
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn is_test(line: &str) -> bool {
    line.trim_start().starts_with("#[") && line.contains("test")
}

/// The function of that name, from its documentation to its closing brace.
pub(crate) fn function<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let signature = format!("fn {name}(");
    let mut at = 0;
    let mut above = None;
    let mut found: Option<(usize, &str)> = None;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        if let Some((start, margin)) = found {
            if indent == margin && code.starts_with('}') {
                return Some(&text[start..at + line.len()]);
            }
        } else if code.starts_with("///") || code.starts_with("#[") {
            above.get_or_insert(at);
        } else {
            let code = code.strip_prefix("pub(crate) ").unwrap_or(code);
            let code = code.strip_prefix("async ").unwrap_or(code);
            if code.starts_with(&signature) {
                found = Some((above.unwrap_or(at), indent));
            }
            above = None;
        }
        at += line.len();
    }
    None
}

/// Every id that `text` names, in order.
pub(crate) fn ids(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    text.split(|c| !is_part(c))
        .map(|word| word.trim_end_matches(['.', '-']))
        .filter(|word| is_id(word))
        .collect()
}

fn is_id(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if let Some((document, rule)) = word.split_once('-') {
        let rule_number = rule.rsplit_once('.').is_some_and(|(section, number)| {
            number.len() == 2 && digits(number) && !section.is_empty()
        });
        return match document {
            "OX" => rule.len() == 2 && digits(rule),
            "MS" => matches!(rule, "1.4" | "2.1" | "2.3"),
            "RLOGIN" | "RXOAUTH2" | "ROXPOP3" | "RMSPOP3" => rule_number,
            _ => {
                document.strip_prefix('R').is_some_and(|rfc| rfc.len() == 4 && digits(rfc))
                    && rule_number
            }
        };
    }
    let statement = |number: &str| number.len() == 4 && digits(number) && number != "0000";
    word.strip_prefix(['C', 'V']).is_some_and(statement)
}
