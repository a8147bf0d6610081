//! Lines of a file or of standard input, some at a time, each within a bound.
//!
//! A line that is too long is read past, so that those behind it are found.

use memchr::memchr;
use std::io::{self, BufRead};
use std::ops::Range;

/// Lines that are read and judged together, at most: few enough to be judged while they are still near
/// the processor, and to lie where the last ones lay.
const MOST_LINES: usize = 128;
/// The same in bytes; the line that exceeds it is the last.
const MOST_BYTES: usize = 256 << 10;

/// Reads a source line by line.
pub(super) struct Lines<R> {
    source: R,
    most_bytes: usize,
    number: u64,
    /// How far the source has been read.
    bytes: u64,
}

/// Some lines, one behind the other.
#[derive(Default)]
pub(super) struct Part {
    /// The number of the first, from 1.
    first: u64,
    text: Vec<u8>,
    /// Where in the text each is; `None`: longer than it may be.
    lines: Vec<Option<Range<usize>>>,
    /// How far the source has been read, in bytes.
    pub(super) bytes: u64,
}

impl Part {
    /// The lines with their numbers, without their ends; `None`: longer than it may be.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let text = |line: &Option<Range<usize>>| line.clone().map(|line| &self.text[line]);
        (self.first..).zip(self.lines.iter().map(text))
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, most_bytes: usize) -> Self {
        Self { source, most_bytes, number: 0, bytes: 0 }
    }

    /// The next lines; `None` at the end.
    pub(super) fn part(&mut self) -> io::Result<Option<Part>> {
        let mut part = Part { first: self.number + 1, ..Part::default() };
        part.text.reserve(MOST_BYTES);
        while part.lines.len() < MOST_LINES
            && part.text.len() < MOST_BYTES
            && let Some(line) = self.line(&mut part.text)?
        {
            part.lines.push(line);
        }
        part.bytes = self.bytes;
        Ok((!part.lines.is_empty()).then_some(part))
    }

    /// Puts the next line behind the others; `None` at the end.
    fn line(&mut self, text: &mut Vec<u8>) -> io::Result<Option<Option<Range<usize>>>> {
        let (start, begin) = (text.len(), self.bytes);
        let mut fits = true;
        loop {
            let part = self.source.fill_buf()?;
            let end = memchr(b'\n', part);
            let content = &part[..end.unwrap_or(part.len())];
            fits &= text.len() - start + content.len() <= self.most_bytes;
            if fits {
                text.extend_from_slice(content);
            } else {
                text.truncate(start);
            }
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
        Ok(Some(fits.then_some(start..text.len())))
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
                let part = lines.part().unwrap().unwrap_or_default();
                let read: Vec<_> = part.lines().collect();
                let told: Vec<_> = read
                    .iter()
                    .map(|(_, line)| line.map(|text| std::str::from_utf8(text).unwrap()))
                    .collect();
                assert_eq!(told, expected, "{text:?}");
                assert_eq!(part.bytes, text.len() as u64);
                assert!(read.iter().zip(1..).all(|((line, _), number)| *line == number));
                assert!(lines.part().unwrap().is_none());
            }
        }
    }

    #[test]
    fn parts_are_bounded() {
        let text = "x\n".repeat(MOST_LINES + 1);
        let mut lines = Lines::new(text.as_bytes(), 8);
        let mut next = || lines.part().unwrap().map(|part| part.lines.len());
        assert_eq!([next(), next(), next()], [Some(MOST_LINES), Some(1), None]);
    }
}
