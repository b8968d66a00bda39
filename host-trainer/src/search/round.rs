//! The rounds of a search.

/// Factor between two rounds: a third of the candidates, three times the epochs.
const FACTOR: usize = 3;

/// A round of a search: all of its candidates are trained for the same number of epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Candidates that are trained.
    pub candidates: usize,
    /// Their epochs.
    pub epochs: u32,
}

/// Returns the rounds of a search that starts with `candidates`, 1 or more, and ends with at most
/// three after `epochs`, 1 or more.
pub fn rounds(candidates: usize, epochs: u32) -> Vec<Round> {
    let mut rounds = vec![Round { candidates, epochs }];
    while let Some(last) = rounds.last().copied().filter(|last| last.candidates > FACTOR) {
        rounds.push(Round { candidates: last.candidates.div_ceil(FACTOR), epochs });
    }
    let mut epochs = epochs;
    for round in rounds.iter_mut().rev() {
        round.epochs = epochs.max(1);
        epochs /= FACTOR as u32;
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_has_a_third_of_the_candidates_and_three_times_the_epochs() {
        let pairs = |candidates, epochs| -> Vec<(usize, u32)> {
            rounds(candidates, epochs).into_iter().map(|round| (round.candidates, round.epochs)).collect()
        };
        assert_eq!(pairs(27, 54), [(27, 6), (9, 18), (3, 54)]);
        assert_eq!(pairs(28, 54), [(28, 2), (10, 6), (4, 18), (2, 54)]);
        assert_eq!(pairs(3, 5), [(3, 5)]);
        assert_eq!(pairs(1, 1), [(1, 1)]);
        assert_eq!(pairs(100, 1), [(100, 1), (34, 1), (12, 1), (4, 1), (2, 1)]);
    }
}
