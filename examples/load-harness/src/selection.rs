//! Which of a producer's values a subscription covers, and how the covered ones are numbered.

use crate::stamp::path_name;

/// Marks a path that the subscription does not cover.
const NOT_COVERED: u32 = u32::MAX;

/// The part of one producer's value stream that reaches a subscriber. Value `n` is for path
/// `n % paths`; the covered values get numbers of their own without holes, so that a hole is a loss.
#[derive(Debug, Clone)]
pub struct Selection {
    paths: u64,
    covered: u64,
    /// The rank of each path among the covered ones; absent when all are covered.
    ranks: Option<Box<[u32]>>,
}

impl Selection {
    /// Every path of a producer with `paths` paths.
    pub fn everything(paths: u64) -> Self {
        Selection { paths, covered: paths, ranks: None }
    }

    /// The paths of `producer` that the glob `pattern` covers.
    pub fn matching(pattern: &str, producer: usize, paths: u64) -> Self {
        let mut covered = 0;
        let ranks: Box<[u32]> = (0..paths)
            .map(|path| {
                if !glob_matches(pattern, &path_name(producer, path, paths)) {
                    return NOT_COVERED;
                }
                covered += 1;
                covered - 1
            })
            .collect();
        let covered = u64::from(covered);
        Selection { paths, covered, ranks: (covered < paths).then_some(ranks) }
    }

    /// The number of covered paths.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// The number of value `number` among the covered ones, `None` when its path is not covered.
    pub fn index_of(&self, number: u64) -> Option<u64> {
        let Some(ranks) = &self.ranks else { return Some(number) };
        let rank = ranks[(number % self.paths) as usize];
        (rank != NOT_COVERED).then(|| number / self.paths * self.covered + u64::from(rank))
    }

    /// How many of the first `count` values are covered.
    pub fn covered_of(&self, count: u64) -> u64 {
        let Some(ranks) = &self.ranks else { return count };
        let rest = &ranks[..(count % self.paths) as usize];
        count / self.paths * self.covered + rest.iter().filter(|rank| **rank != NOT_COVERED).count() as u64
    }
}

/// Whether `pattern` covers `path`: `*` stands for any run of characters (Signal K v1 §5.4).
pub fn glob_matches(pattern: &str, path: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut path) = path.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match path.find(piece) {
            Some(at) => path = &path[at + piece.len()..],
            None => return false,
        }
    }
    path.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("*", "load.p0.v1", true),
            ("load.*", "load.p0.v1", true),
            ("load.p0.v1", "load.p0.v1", true),
            ("load.p0.v", "load.p0.v1", false),
            ("*.v1", "load.p0.v1", true),
            ("l*p*v1", "load.p0.v1", true),
            ("l*p0*p0*", "load.p0.v1", false),
            ("load.p0.v1*", "load.p0.v1", true),
            ("load.p0.v1*1", "load.p0.v1", false),
            ("nav*", "load.p0.v1", false),
        ] {
            assert_eq!(glob_matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn covered_values_are_numbered_without_holes() {
        // Of v00 to v14 the pattern covers v10 to v14: v01 has a leading zero.
        let selection = Selection::matching("load.p3.v1*", 3, 15);
        assert_eq!(selection.covered(), 5);
        let indices: Vec<_> = (0..45).filter_map(|number| selection.index_of(number)).collect();
        assert_eq!(indices, (0..15).collect::<Vec<_>>());
        for count in 0..45 {
            assert_eq!(selection.covered_of(count), (0..count).filter_map(|n| selection.index_of(n)).count() as u64);
        }
    }

    #[test]
    fn a_pattern_for_one_producer_leaves_the_others_out() {
        assert_eq!(Selection::matching("load.p1.*", 0, 10).covered(), 0);
        assert_eq!(Selection::matching("load.p1.*", 1, 10).covered(), 10);
        assert_eq!(Selection::everything(4).index_of(1_000_003), Some(1_000_003));
        assert_eq!(Selection::everything(4).covered_of(9), 9);
    }
}
