//! What a statement is given at once: many rows, but not more bytes than the server and we can well hold.

/// A statement has no more than this of documents, but for a single one that is longer.
const BYTES: usize = 4 << 20;

/// The items in order, cut where they become too many for a statement.
pub(super) fn parts<'a, T>(
    items: &'a [T],
    bytes: impl Fn(&T) -> usize + 'a,
) -> impl Iterator<Item = &'a [T]> {
    let mut left = items;
    std::iter::from_fn(move || {
        let mut sum = 0;
        let exceeds = |item| {
            sum += bytes(item);
            sum > BYTES
        };
        let end = left.iter().position(exceeds).unwrap_or(left.len());
        let (part, rest) = left.split_at(end.max(1).min(left.len()));
        left = rest;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_before_what_exceeds() {
        const M: usize = 1 << 20;
        for (sizes, expected) in [
            (&[][..], &[][..]),
            (&[M], &[&[M][..]]),
            (&[2 * M, 2 * M, 1], &[&[2 * M, 2 * M], &[1]]),
            (&[9 * M, 1, 9 * M], &[&[9 * M], &[1], &[9 * M]]),
        ] {
            let found: Vec<&[usize]> = parts(sizes, |size| *size).collect();
            assert_eq!(found, expected);
        }
    }
}
