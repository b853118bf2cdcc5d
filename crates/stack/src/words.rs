//! A command line in words, as the stock client takes it apart: quotes, backslashes, and nothing else of a shell.

/// `None`: a quote is not closed, or a backslash is the last letter.
pub fn split_words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            // A comment, but only where a word could begin.
            '#' if word.is_none() => {
                letters.find(|letter| *letter == '\n');
            }
            '\'' => quoted(&mut letters, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut letters, '"', word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(letters.next()?),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

fn quoted(letters: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Option<()> {
    loop {
        match letters.next()? {
            end if end == quote => return Some(()),
            '\\' if quote == '"' => word.push(letters.next()?),
            letter => word.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_the_stock_client_does() {
        for (line, words) in [
            ("sleep 10", &["sleep", "10"][..]),
            ("  sh -c 'echo \"a b\"; true'  ", &["sh", "-c", "echo \"a b\"; true"]),
            ("a\"b c\"d e\\ f", &["ab cd", "e f"]),
            ("\"a\\\"b\" ''", &["a\"b", ""]),
            ("run # not this", &["run"]),
            ("a#b", &["a#b"]),
            ("", &[]),
        ] {
            assert_eq!(split_words(line).unwrap(), words, "{line}");
        }
        for open in ["'a", "\"a", "a\\", "\"a\\"] {
            assert_eq!(split_words(open), None, "{open}");
        }
    }
}
