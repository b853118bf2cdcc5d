//! Two texts, line by line: what stays, goes and comes.

/// Where texts differ in more lines than this, all of the old ones go and all of the new ones come.
const MOST: usize = 2000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The shortest way from `old` to `new`.
pub(crate) fn diff<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let (first, old) = old.split_at(start);
    let (_, new) = new.split_at(start);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, last) = old.split_at(old.len() - end);
    let (new, _) = new.split_at(new.len() - end);
    let same = |lines: &[&'a str]| lines.iter().map(|line| Line::Same(line)).collect::<Vec<_>>();
    let mut all = same(first);
    all.extend(middle(old, new));
    all.extend(same(last));
    all
}

fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    if old.len() > MOST || new.len() > MOST {
        return old.iter().map(|line| Line::Gone(line)).chain(new.iter().map(|line| Line::New(line))).collect();
    }
    // lengths[i][j]: how many lines the rests old[i..] and new[j..] have in common, in order.
    let mut lengths = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for (i, gone) in old.iter().enumerate().rev() {
        for (j, come) in new.iter().enumerate().rev() {
            lengths[i][j] = if gone == come { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(gone), Some(come)) if gone == come => {
                lines.push(Line::Same(gone));
                (i, j) = (i + 1, j + 1);
            }
            (Some(gone), come) if come.is_none() || lengths[i + 1][j] >= lengths[i][j + 1] => {
                lines.push(Line::Gone(gone));
                i += 1;
            }
            (_, Some(come)) => {
                lines.push(Line::New(come));
                j += 1;
            }
            (Some(_) | None, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_goes_and_comes_is_told_apart() {
        use Line::{Gone, New, Same};
        assert_eq!(diff("a\nb\nc\nd", "a\nx\nc\ny\nd"), [Same("a"), Gone("b"), New("x"), Same("c"), New("y"), Same("d")]);
        assert_eq!(diff("", "a"), [New("a")]);
        assert_eq!(diff("a", ""), [Gone("a")]);
        assert_eq!(diff("a\nb", "a\nb"), [Same("a"), Same("b")]);
        let (old, new) = ("x\n".repeat(MOST + 1), "y\n".repeat(3));
        assert_eq!(diff(&old, &new).len(), MOST + 4, "too long to be compared, and still complete");
    }
}
