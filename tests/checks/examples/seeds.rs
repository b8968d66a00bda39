//! Writes the fuzzer's seeds to `tests/fuzz/corpus`: a model for each weight order and depth, a
//! cascade for each order, numbers for networks, and requests.
//! `cargo run -p checks --example seeds`.

use std::path::Path;
use std::{fs, io};

use checks::{Layer, Network, cascade, fit};
use prenda::{Frame, Requant, Request, Shape, WeightOrder, encode};

fn main() -> io::Result<()> {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"));
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for order in WeightOrder::ALL {
        for widths in [&[3][..], &[9, 2], &[4, 8, 10]] {
            let name = format!("{order}-{}-layers", widths.len());
            write("blob", &name, &network(order, widths).encode())?;
        }
        write("blob", &format!("{order}-cascade"), &cascade(order).encode())?;
    }
    for length in [16, 256, 2048] {
        let numbers: Vec<u8> = (0..length).map(|place: usize| (place * 157 % 251) as u8).collect();
        write("network", &format!("numbers-{length}"), &numbers)?;
    }
    let requests = [
        ("hello", Request::Hello),
        ("infer", Request::Infer { pixels: &[0, 7, 255] }),
        ("memory-use", Request::MemoryUse),
        ("measure", Request::Measure { pixels: &[0, 7, 255] }),
        ("calibrate", Request::Calibrate { rounds: 200 }),
    ];
    for (name, message) in requests {
        let mut room = [0; 64];
        let frame = encode(&Frame { sequence: 300, message }, &mut room).map_err(io::Error::other)?;
        write("stream", name, frame)?;
    }
    Ok(())
}

/// Builds a network without zero weights for images of three by five pixels.
fn network(order: WeightOrder, widths: &[usize]) -> Network {
    let mut inputs = 15;
    let mut layers = Vec::new();
    for &outputs in widths {
        let mut weights: Vec<i8> = (0..inputs * outputs).map(|place| (place * 37 % 127) as i8 - 60).collect();
        fit(order, inputs, 2, &mut weights);
        let requant = Requant::new(Requant::MIN_MULTIPLIER + 12_345, 36).unwrap_or_default();
        layers.push(Layer {
            order,
            biases: vec![-300; outputs],
            requants: vec![requant; outputs],
            weights,
            ..Layer::default()
        });
        inputs = outputs;
    }
    let class_names = (0..inputs).map(|class| format!("class {class}")).collect();
    Network {
        shape: Shape::grey(3, 5),
        ends: Vec::new(),
        class_names,
        layers,
        image: (0..15).map(|place| place * 17).collect(),
    }
}
