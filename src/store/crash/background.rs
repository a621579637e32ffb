//! Seals and merges by other threads, beside the commits: the operations come in another order each time.

use super::*;
use crate::storage::faulty::{Cut, Plan};

const COMMITS: usize = 36;

/// Twenty messages: customers who come back, sign in elsewhere, and order.
fn batch(number: usize) -> String {
    let lines = (0..20).map(|line| {
        let (visitor, user) = (number * 20 + line, (number * 7 + line * 3) % 90);
        format!(
            r#"{{"type":"track","event":"Order Completed","anonymousId":"a{visitor}","userId":"{user}",
            "messageId":"m{visitor}","properties":{{"order_id":"{visitor}","total":1,"email":"{user}@example.com"}}}}"#
        )
        .replace('\n', " ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn run(store: &Store) -> Run {
    let mut run = Run { acknowledged: 0, tried: 0 };
    for number in 0..COMMITS {
        run.tried += 1;
        if say(store, 1, &batch(number)).is_err() {
            break;
        }
        run.acknowledged = run.tried;
    }
    run
}

fn busy() -> Options {
    options(Durability::Sync).seal_events(64)
}

#[test]
fn jobs_beside_commits_lose_nothing_wherever_the_process_dies() {
    let memory = busy().in_memory().unwrap();
    let mut expected = vec![digest(&memory).unwrap()];
    for number in 0..COMMITS {
        say(&memory, 1, &batch(number)).unwrap();
        expected.push(digest(&memory).unwrap());
    }
    let mut tally = Tally::default();
    for operation in (0..).step_by(3) {
        let disk = FaultyVfs::default();
        disk.plan(Plan::DeadFrom(operation));
        let opened = Store::over(Arc::new(disk.clone()), busy());
        let run = opened.map_or(Run { acknowledged: 0, tried: 0 }, |store| run(&store));
        disk.killed();
        tally.points += 1;
        for cut in [Cut::Nothing, Cut::InOrder(operation), Cut::AnyOrder(operation)] {
            let image = disk.after_power_cut(cut);
            let store = tally.check(&image, &run, &expected, &format!("operation {operation}, {cut:?}"));
            one_more(&store, "later");
        }
        if disk.operations() < operation {
            break;
        }
    }
    assert!(tally.points > 50, "seals and merges took part: {}", tally.points);
    tally.tell("background jobs");
}
