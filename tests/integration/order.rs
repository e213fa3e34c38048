//! The best order of jobs against all orders there are.

use layerwise::cache::order::{Job, Order, Trigger, best_order, best_order_within};
use proptest::prelude::*;

/// Jobs whose order of precedence is any, as the given order is one that it allows.
fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let job = (0_u32..40, any::<[bool; 8]>(), any::<bool>());
    prop::collection::vec(job, 0..8).prop_map(|drawn| {
        let made = drawn.into_iter().enumerate().map(|(index, (seconds, edges, dense))| Job {
            seconds: f64::from(seconds) / 4.0,
            after: (0..index).filter(|other| edges[*other] && (dense || (other + index) % 3 == 0)).collect(),
        });
        made.collect()
    })
}

fn events() -> impl Strategy<Value = Vec<Trigger>> {
    let event = (1_u32..50, prop::collection::vec(0_usize..8, 0..4));
    prop::collection::vec(event, 0..6).prop_map(|drawn| {
        drawn.into_iter().map(|(weight, dirt)| Trigger { weight: f64::from(weight) / 512.0, dirt }).collect()
    })
}

/// By the definition: each event pays from the first job that it dirties on.
fn cost(jobs: &[Job], events: &[Trigger], sequence: &[usize]) -> f64 {
    let paid = |event: &Trigger| -> f64 {
        let first = sequence.iter().position(|job| event.dirt.contains(job)).unwrap_or(sequence.len());
        event.weight * sequence[first..].iter().map(|job| jobs[*job].seconds).sum::<f64>()
    };
    events.iter().map(paid).sum()
}

fn swaps(sequence: &[usize]) -> usize {
    let pairs = (0..sequence.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
    pairs.filter(|(left, right)| sequence[*left] > sequence[*right]).count()
}

fn is_allowed(jobs: &[Job], sequence: &[usize]) -> bool {
    (0..sequence.len()).all(|place| jobs[sequence[place]].after.iter().all(|job| sequence[..place].contains(job)))
}

/// Every order that the precedence allows.
fn all_orders(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..jobs.len() {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            let free = (0..jobs.len()).filter(|job| !order.contains(job));
            let ready = free.filter(|job| jobs[*job].after.iter().all(|other| order.contains(other)));
            ready.map(|job| [order.as_slice(), &[job]].concat())
        });
        orders = longer.collect();
    }
    orders
}

fn check_found(jobs: &[Job], events: &[Trigger], order: &Order) -> Result<(), TestCaseError> {
    let mut sorted = order.sequence.clone();
    sorted.sort_unstable();
    prop_assert_eq!(sorted, (0..jobs.len()).collect::<Vec<_>>());
    prop_assert!(is_allowed(jobs, &order.sequence));
    prop_assert!((cost(jobs, events, &order.sequence) - order.seconds).abs() < 1e-6);
    prop_assert!(order.bound <= order.seconds && order.seconds <= order.before);
    Ok(())
}

/// As [`jobs`] and [`events`], with so few costs and weights that many orders are equal.
fn ties() -> impl Strategy<Value = (Vec<Job>, Vec<Trigger>)> {
    (jobs(), events()).prop_map(|(mut jobs, mut events)| {
        for job in &mut jobs {
            job.seconds = (job.seconds * 4.0 % 3.0).floor();
        }
        for event in &mut events {
            event.weight = 0.125;
        }
        (jobs, events)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_is_cheaper_and_none_as_cheap_swaps_less((jobs, events) in prop_oneof![(jobs(), events()), ties()]) {
        let order = best_order(&jobs, &events).expect("few jobs, in order");
        check_found(&jobs, &events, &order)?;
        prop_assert!(order.exact);
        prop_assert_eq!(&best_order(&jobs, &events).expect("as before"), &order);
        for other in all_orders(&jobs) {
            let price = cost(&jobs, &events, &other);
            prop_assert!(price > order.seconds - 1e-6, "{other:?} costs {price}, {order:?}");
            let tie = (price - order.seconds).abs() < 1e-9;
            prop_assert!(!tie || swaps(&other) >= swaps(&order.sequence), "{other:?} is nearer than {order:?}");
        }
    }

    #[test]
    fn too_few_states_give_an_order_and_a_bound_that_holds((jobs, events) in (jobs(), events()), states in 1_usize..12) {
        let order = best_order_within(&jobs, &events, states).expect("few jobs, in order");
        check_found(&jobs, &events, &order)?;
        let best = best_order(&jobs, &events).expect("few jobs, in order");
        prop_assert!(order.bound <= best.seconds + 1e-9, "{order:?}, but {best:?}");
        prop_assert!(!order.exact || (order.seconds - best.seconds).abs() < 1e-9);
    }
}

#[test]
fn more_jobs_than_bits_or_jobs_out_of_order_have_no_answer() {
    let many = vec![Job { seconds: 1.0, after: Vec::new() }; 129];
    assert_eq!(best_order(&many, &[]), None);
    let cycle = [Job { seconds: 1.0, after: vec![1] }, Job { seconds: 1.0, after: vec![0] }];
    assert_eq!(best_order(&cycle, &[]), None);
}
