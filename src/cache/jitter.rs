//! Random jitter that spreads the fetches of many processes.

use std::hash::{BuildHasher, RandomState};

/// A random number from 0 up to 1, from the keys that the standard library draws for its hash maps.
pub(super) fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_spread_over_the_unit_interval() {
        let numbers: Vec<f64> = (0..1000).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            assert!(
                numbers
                    .iter()
                    .any(|number| (low..low + 0.1).contains(number)),
                "none from {low} on"
            );
        }
    }
}
