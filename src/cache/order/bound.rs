//! What no order can undercut.

use super::Problem;

/// Lower bounds of what the jobs outside of a down-set cost, in the units of a problem.
///
/// Whatever the order, each of them pays for the events so far. An event that has dirtied nothing so far is paid for by
/// the jobs that it dirties and by all that must stand after one of them; those lie outside, as the set is a down-set. Of
/// two jobs that may stand either way, one pays for the events that dirty the other.
pub(super) struct Least {
    /// By job: the events that dirty it, each with its weight, its jobs and what it costs at least.
    events: Vec<Vec<Event>>,
    /// By job, then by job: what the two cost more, whichever stands first, for events that dirty nothing else.
    pairs: Vec<Vec<u64>>,
    /// What all events cost at least.
    all_events: u64,
    /// What all pairs cost more.
    all_pairs: u64,
}

struct Event {
    weight: u64,
    dirt: u128,
    least: u64,
}

impl Least {
    pub(super) fn new(problem: &Problem) -> Self {
        let count = problem.costs.len();
        let after = followers(problem);
        let mut least = Self { events: Vec::new(), pairs: vec![vec![0; count]; count], all_events: 0, all_pairs: 0 };
        least.events.resize_with(count, Vec::new);
        for (weight, dirt) in &problem.events {
            let paid = jobs(*dirt).fold(*dirt, |set, job| set | after[job]);
            let cost = weight.saturating_mul(total(problem, paid));
            least.all_events = least.all_events.saturating_add(cost);
            for job in jobs(*dirt) {
                least.events[job].push(Event { weight: *weight, dirt: *dirt, least: cost });
            }
        }
        let alone: Vec<u64> = least
            .events
            .iter()
            .map(|own| own.iter().filter(|event| event.dirt.is_power_of_two()).map(|event| event.weight).sum())
            .collect();
        for second in 0..count {
            for first in (0..second).filter(|first| after[*first] >> second & 1 == 0) {
                let one = alone[first].saturating_mul(problem.costs[second]);
                let other = alone[second].saturating_mul(problem.costs[first]);
                let more = one.min(other);
                least.pairs[first][second] = more;
                least.pairs[second][first] = more;
                least.all_pairs = least.all_pairs.saturating_add(more);
            }
        }
        least
    }

    /// What the events and the pairs cost at least before the first job.
    pub(super) fn start(&self) -> (u64, u64) {
        (self.all_events, self.all_pairs)
    }

    /// The weight of the events that `job` dirties first, after the jobs of `set`, and what they cost at least.
    pub(super) fn fresh(&self, set: u128, job: usize) -> (u64, u64) {
        let fresh = self.events[job].iter().filter(|event| event.dirt & set == 0);
        fresh.fold((0, 0), |(weight, least), event| (weight + event.weight, least.saturating_add(event.least)))
    }

    /// What the pairs of `job` and the jobs of `rest` cost more.
    pub(super) fn pairs(&self, job: usize, rest: u128) -> u64 {
        let pairs = &self.pairs[job];
        jobs(rest).fold(0, |sum, other| sum.saturating_add(pairs[other]))
    }

    /// What all jobs cost at least. An event that dirties several jobs counts for each of their pairs in part, so that no
    /// job pays for it twice.
    pub(super) fn at_start(&self, problem: &Problem) -> u64 {
        let count = problem.costs.len();
        let after = followers(problem);
        // By job, then by job: what the second costs more if it stands after the first.
        let mut more = vec![vec![0_u64; count]; count];
        for (weight, dirt) in &problem.events {
            let share = weight / u64::from(dirt.count_ones().max(1));
            let paid = jobs(*dirt).fold(*dirt, |set, job| set | after[job]);
            for first in jobs(*dirt) {
                for second in jobs(problem.all & !paid) {
                    let own = share.saturating_mul(problem.costs[second]);
                    more[first][second] = more[first][second].saturating_add(own);
                }
            }
        }
        let free = |(second, own): (usize, &Vec<u64>)| -> u64 {
            let either = (0..second).filter(|first| after[*first] >> second & 1 == 0);
            either.fold(0, |sum, first| sum.saturating_add(own[first].min(more[first][second])))
        };
        more.iter().enumerate().map(free).fold(self.all_events, u64::saturating_add)
    }
}

/// The jobs of a set, the lowest first.
pub(super) fn jobs(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let job = set.trailing_zeros() as usize;
        let some = set != 0;
        set &= set.wrapping_sub(1);
        some.then_some(job)
    })
}

/// The jobs that must stand after each, directly or not.
fn followers(problem: &Problem) -> Vec<u128> {
    let mut after = vec![0_u128; problem.costs.len()];
    for job in (0..problem.costs.len()).rev() {
        for first in jobs(problem.before[job]) {
            after[first] |= 1 << job | after[job];
        }
    }
    after
}

fn total(problem: &Problem, set: u128) -> u64 {
    jobs(set).map(|job| problem.costs[job]).sum()
}
