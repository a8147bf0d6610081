//! Lines of a file or of standard input, some at a time, each within a bound.
//!
//! A line that is too long is read past, so that those behind it are found.

use memchr::memchr;
use std::io::{self, BufRead};

/// Lines that are read, judged and written together, at most. The more of them, the more entries each
/// page of the index takes before it is written: with 1000, a large store costs a third more.
const MOST_LINES: usize = 4000;
/// The same in bytes; the line that exceeds it is the last.
const MOST_BYTES: usize = 16 << 20;

/// A line, or that it was too long.
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// Without its end; `None`: longer than it may be.
    pub(super) text: Option<Vec<u8>>,
}

/// Reads a source line by line.
pub(super) struct Lines<R> {
    source: R,
    most_bytes: usize,
    number: u64,
    /// How far the source has been read.
    bytes: u64,
}

/// Lines that belong together.
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// How far the source has been read, in bytes.
    pub(super) bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, most_bytes: usize) -> Self {
        Self { source, most_bytes, number: 0, bytes: 0 }
    }

    /// The next lines; `None` at the end.
    pub(super) fn batch(&mut self) -> io::Result<Option<Batch>> {
        let (mut lines, begin) = (Vec::new(), self.bytes);
        while lines.len() < MOST_LINES
            && self.bytes - begin < MOST_BYTES as u64
            && let Some(line) = self.line()?
        {
            lines.push(line);
        }
        Ok((!lines.is_empty()).then_some(Batch { lines, bytes: self.bytes }))
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut text = Some(Vec::new());
        let begin = self.bytes;
        loop {
            let part = self.source.fill_buf()?;
            let end = memchr(b'\n', part);
            let content = &part[..end.unwrap_or(part.len())];
            let has_room = |text: &Vec<u8>| text.len() + content.len() <= self.most_bytes;
            text = text.filter(has_room).map(|mut text| {
                text.extend_from_slice(content);
                text
            });
            let (is_end, used) = (part.is_empty(), content.len() + usize::from(end.is_some()));
            self.source.consume(used);
            self.bytes += used as u64;
            if end.is_some() || is_end {
                break;
            }
        }
        if self.bytes == begin {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, text }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_end_where_they_end_and_none_is_too_long() {
        let long = "x".repeat(9);
        for (text, expected) in [
            ("", vec![]),
            ("a", vec![Some("a")]),
            ("a\n", vec![Some("a")]),
            ("\n\nb", vec![Some(""), Some(""), Some("b")]),
            ("12345678\n", vec![Some("12345678")]),
            (&format!("{long}\nb\n{long}"), vec![None, Some("b"), None]),
        ] {
            for capacity in [1, 3, 100] {
                let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()), 8);
                let batch = lines.batch().unwrap();
                let bytes = batch.as_ref().map_or(0, |batch| batch.bytes);
                let read = batch.map_or(Vec::new(), |batch| batch.lines);
                let told: Vec<_> = read
                    .iter()
                    .map(|line| line.text.as_deref().map(|text| std::str::from_utf8(text).unwrap()))
                    .collect();
                assert_eq!(told, expected, "{text:?}");
                assert_eq!(bytes, text.len() as u64);
                assert!(read.iter().zip(1..).all(|(line, number)| line.number == number));
                assert!(lines.batch().unwrap().is_none());
            }
        }
    }

    #[test]
    fn batches_are_bounded() {
        let text = "x\n".repeat(MOST_LINES + 1);
        let mut lines = Lines::new(text.as_bytes(), 8);
        let mut next = || lines.batch().unwrap().map(|batch| batch.lines.len());
        assert_eq!([next(), next(), next()], [Some(MOST_LINES), Some(1), None]);
    }
}
