//! What no order can undercut.

use super::Problem;

/// A lower bound of the expected cost, in the units of a problem.
///
/// Whatever the order, an event pays for the jobs that it dirties and for all that must stand after one of them. Of two
/// jobs that may stand either way, one pays for the events that dirty nothing but the other.
pub(super) fn least_cost(problem: &Problem) -> u64 {
    let count = problem.costs.len();
    let after = followers(problem);
    let mut alone = vec![0_u64; count];
    let mut least = 0_u64;
    for (weight, dirt) in &problem.events {
        let jobs = (0..count).filter(|job| dirt >> job & 1 == 1);
        let paid = jobs.fold(*dirt, |set, job| set | after[job]);
        least = least.saturating_add(weight.saturating_mul(total(problem, paid)));
        if dirt.is_power_of_two() {
            alone[dirt.trailing_zeros() as usize] += weight;
        }
    }
    for second in 0..count {
        for first in (0..second).filter(|first| after[*first] >> second & 1 == 0) {
            let one = alone[first].saturating_mul(problem.costs[second]);
            let other = alone[second].saturating_mul(problem.costs[first]);
            least = least.saturating_add(one.min(other));
        }
    }
    least
}

/// The jobs that must stand after each, directly or not.
fn followers(problem: &Problem) -> Vec<u128> {
    let mut after = vec![0_u128; problem.costs.len()];
    for job in (0..problem.costs.len()).rev() {
        for first in 0..job {
            if problem.before[job] >> first & 1 == 1 {
                after[first] |= 1 << job | after[job];
            }
        }
    }
    after
}

fn total(problem: &Problem, set: u128) -> u64 {
    problem.costs.iter().enumerate().filter(|(job, _)| set >> job & 1 == 1).map(|(_, cost)| cost).sum()
}
