//! Classifies one image whenever a timer expires, and reports the answer by UART.

#![no_std]
#![no_main]

use panic_halt as _;

prenda::include_model!(mod shoes = "shoes.bin");

/// An image of Fashion-MNIST's test split: 28 rows of 28 pixels.
static IMAGE: &[u8; shoes::PIXELS] = include_bytes!("../ankle-boot.gray");

#[rtic::app(device = stm32f4xx_hal::pac)]
mod app {
    use core::fmt::Write;

    use stm32f4xx_hal::pac::{TIM2, USART1};
    use stm32f4xx_hal::prelude::*;
    use stm32f4xx_hal::rcc::Config;
    use stm32f4xx_hal::serial::Tx;
    use stm32f4xx_hal::timer::{CounterUs, Event};

    use super::{IMAGE, shoes};

    #[shared]
    struct Shared {}

    #[local]
    struct Local {
        timer: CounterUs<TIM2>,
        serial: Tx<USART1>,
        workspace: shoes::Workspace,
    }

    #[init]
    fn init(context: init::Context) -> (Shared, Local) {
        let mut rcc = context.device.RCC.freeze(Config::hsi());
        let pins = context.device.GPIOA.split(&mut rcc);
        let serial = context.device.USART1.tx(pins.pa9, 115_200.bps(), &mut rcc).unwrap();
        let mut timer = context.device.TIM2.counter_us(&mut rcc);
        timer.start(1.secs()).unwrap();
        timer.listen(Event::Update);
        (Shared {}, Local { timer, serial, workspace: shoes::Workspace::new() })
    }

    #[task(binds = TIM2, local = [timer, serial, workspace])]
    fn classify(context: classify::Context) {
        let classify::LocalResources { timer, serial, workspace, .. } = context.local;
        timer.clear_all_flags();
        let answer = shoes::infer(workspace, IMAGE);
        let (name, probability) = (shoes::NAMES[answer.class], answer.probabilities[answer.class]);
        writeln!(serial, "{name}, probability {probability} of 32768\r").unwrap();
    }
}
