//! The panic handler, which a static library must have. Nothing here panics: `cargo xtask test`
//! checks that a linker removes it.

use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
