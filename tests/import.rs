//! Files of orders and customers, through the public API.

use flate2::read::GzDecoder;
use regulars::import::{CsvFile, CustomersCsv, From, OrdersCsv};
use regulars::{Clock, Durability, Flag, ImportReport, Reason, Snapshot, Store, id, when};
use std::fs::File;
use std::path::PathBuf;

fn store(currency: &str) -> Store {
    let options = Store::options().currency(currency).clock(Clock::Manual).durability(Durability::OnFlush);
    options.in_memory().expect("opens")
}

fn orders(store: &Store, text: &str) -> ImportReport {
    store.import(OrdersCsv::new(text.as_bytes())).expect("imports")
}

fn rejects(report: &ImportReport) -> Vec<(u64, Reason)> {
    report.receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn net(snapshot: &Snapshot, who: regulars::Id) -> (u64, i64) {
    let profile = snapshot.profile(who).expect("readable").expect("known");
    (profile.orders.count, profile.orders.net_minor)
}

fn data(name: &str) -> Option<GzDecoder<File>> {
    let folder = std::env::var("REGULARS_DATA")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let found = File::open(folder.join(name)).ok().map(GzDecoder::new);
    if found.is_none() {
        println!("skipped: no {name} in {}; set REGULARS_DATA", folder.display());
    }
    found
}

#[test]
fn online_retail_is_the_shop_that_was_counted() {
    let Some(file) = data("online_retail_2010-12_to_2011-02.csv.gz") else { return };
    let store = store("GBP");
    let report = store.import(OrdersCsv::new(file)).expect("imports");
    assert_eq!((report.orders, report.refunds), (3875, 805));
    assert_eq!(report.receipt.reasons, [(Reason::NotAnOrder, 214)].into());
    assert_eq!(report.rows, 105_334);
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles()), (1749, 2283));
    let (mut gross, mut refunded) = (0, 0);
    let mut guests = 0;
    for owner in snapshot.identifiers().expect("readable") {
        guests += u64::from(owner.id.namespace() == "anonymous_id");
        let profile = snapshot.profile(owner.id).expect("readable").expect("known");
        gross += profile.orders.gross_minor;
        refunded += profile.orders.refunded_minor;
    }
    assert_eq!((gross, refunded, guests), (203_874_259, 23_172_266, 534));
    let again = data("online_retail_2010-12_to_2011-02.csv.gz").expect("it was there");
    let again = store.import(OrdersCsv::new(again)).expect("imports");
    assert_eq!((again.receipt.accepted, again.receipt.duplicates), (0, 105_120));
}

#[test]
fn complete_journey_is_the_shop_that_was_counted() {
    let Some(file) = data("completejourney_transactions.csv.gz") else { return };
    let store = store("USD");
    let report = store.import(OrdersCsv::new(file)).expect("imports");
    assert_eq!((report.orders, report.receipt.rejected), (47_243, 0));
    let snapshot = store.snapshot();
    assert_eq!(snapshot.people(), 2377);
    let mut gross = 0;
    for owner in snapshot.identifiers().expect("readable") {
        gross += snapshot.profile(owner.id).expect("readable").expect("known").orders.gross_minor;
    }
    assert_eq!(gross, 23_393_524);
}
