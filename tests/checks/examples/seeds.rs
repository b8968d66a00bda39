//! Writes the fuzzer's seeds to `tests/fuzz/corpus`: a model for each weight order and depth, a
//! cascade for each order, a model for rows, numbers for networks, and requests.
//! `cargo run -p checks --example seeds`.

use std::path::Path;
use std::{fs, io};

use checks::{Layer, Network, cascade, fit};
use prenda::{Feature, Frame, Requant, Request, Scaling, Shape, WeightOrder, encode};

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
    write("blob", "rows", &rows().encode())?;
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

/// Builds a network with a feature for each input.
fn rows() -> Network {
    let scaling = Scaling::new(-1000, Requant::new(Requant::MIN_MULTIPLIER + 12_345, 33).unwrap_or_default());
    let feature = |name| scaling.map(|scaling| Feature { name, decimals: 2, scaling });
    let names = ["acceleration (g)", "°C", "x", "y", "z"];
    let features = names.iter().cycle().take(15).filter_map(|name| feature(*name)).collect();
    Network { features, ..network(WeightOrder::Pairs, &[4, 3]) }
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
        features: Vec::new(),
        ends: Vec::new(),
        class_names,
        layers,
        image: (0..15).map(|place| place * 17).collect(),
    }
}
