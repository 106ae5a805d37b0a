//! What the data model costs: applying a delta, and reading.

#![allow(missing_docs, reason = "criterion_group! makes a public function without documentation")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::json;
use windlass_actors::data_model::{Identity, ModelView};
use windlass_broker::{Context, DeltaVersion, Intake, Judged, Provider};

fn intake() -> Intake {
    let self_context = Context::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
    Intake { self_context, provider: Provider::new("bench").expect("a name"), override_timestamps: false }
}

fn model(c: &mut Criterion) {
    let intake = intake();
    let view = ModelView::new(Identity::new(intake.self_context.clone()));
    for n in 0..500 {
        let text = json!({"updates": [{"values": [{"path": format!("branch{}.leaf{n}", n % 20), "value": n}]}]});
        view.apply(&Judged::accepted(intake.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta")));
    }
    let paths = ["navigation.speedOverGround", "navigation.courseOverGroundTrue", "environment.depth.belowKeel", "a.b"];
    let values: Vec<_> = paths.iter().map(|path| json!({"path": path, "value": 1.25})).collect();
    let source = json!({"label": "can0", "type": "NMEA2000", "src": "43", "pgn": 129026});
    let text = json!({"updates": [{"source": source, "values": values}]}).to_string();
    let delta = intake.take(&text, DeltaVersion::V1).delta.expect("a delta");
    c.bench_function("apply a 4-value delta", |b| {
        b.iter_batched(|| Judged::accepted(delta.clone()), |delta| view.apply(&delta), BatchSize::SmallInput);
    });
    c.bench_function("take in and apply a 4-value delta", |b| {
        b.iter(|| {
            let delta = intake.take(black_box(&text), DeltaVersion::V1).delta.expect("a delta");
            view.apply(&Judged::accepted(delta));
        });
    });
    c.bench_function("read a leaf as REST does", |b| {
        b.iter(|| view.node(black_box(&["vessels", "self", "navigation", "speedOverGround"])));
    });
    c.bench_function("read the own ship with 500 paths", |b| {
        b.iter(|| view.node(black_box(&["vessels", "self"])));
    });
}

criterion_group!(benches, model);
criterion_main!(benches);
