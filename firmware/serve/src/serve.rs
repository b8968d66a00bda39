//! The serve loop: reads requests, answers them.

use embedded_io::{Read, Write};
use prenda::{
    BlobError, Classifier, DeviceFault, Frame, FrameBuffer, FrameError, Hello, MESSAGE_OVERHEAD_BYTES, MemoryUse,
    Model, ModelInfo, Progress, Refusal, Request, Response, Workspace, decode_request, encode_response,
    encoded_length_bound,
};

use crate::Counter;
use crate::measure::{CALIBRATION_BYTES, calibrate, counted_bytes, measure};

const FIRMWARE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes of the logit and the probability of a class.
const CLASS_BYTES: usize = 6;

/// The description that a device gives of itself.
///
/// # Examples
///
/// ```
/// use prenda::MemoryUse;
/// use prenda_serve::Identity;
///
/// fn memory_use() -> MemoryUse {
///     MemoryUse { flash: 20_480, statics: 3072, ..MemoryUse::default() } // from linker symbols
/// }
/// let identity = Identity { memory_use, ..Identity::new("my-board", "cortex-m4") };
/// assert_eq!((identity.memory_use)().flash, 20_480);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The board's name.
    pub board: &'static str,
    /// The processor core.
    pub core: &'static str,
    /// Measures the memory in use.
    pub memory_use: fn() -> MemoryUse,
    /// The counter, if there is one.
    pub counter: Option<Counter>,
}

impl Identity {
    /// Returns the identity of a device that measures neither its memory nor its inference.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda_serve::Identity;
    ///
    /// const IDENTITY: Identity = Identity::new("my-board", "cortex-m4");
    /// assert!(IDENTITY.counter.is_none());
    /// ```
    #[must_use]
    pub const fn new(board: &'static str, core: &'static str) -> Self {
        Self { board, core, memory_use: MemoryUse::default, counter: None }
    }
}

/// The memory of a link, so that a firmware can put it in a static.
///
/// `FRAME` is the maximum frame length in bytes: the pixels of an image and about 150 more.
/// [`Server::model`] names the length if it is too short.
///
/// # Examples
///
/// ```
/// use prenda::{MESSAGE_OVERHEAD_BYTES, encoded_length_bound};
/// use prenda_serve::Buffers;
///
/// type ForShoes = Buffers<{ encoded_length_bound(784 + MESSAGE_OVERHEAD_BYTES) }>;
/// assert_eq!(ForShoes::FRAME, 928);
/// ```
#[derive(Debug)]
pub struct Buffers<const FRAME: usize> {
    incoming: FrameBuffer<FRAME>,
    outgoing: [u8; FRAME],
}

impl<const FRAME: usize> Buffers<FRAME> {
    /// The longest frame, in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda_serve::Buffers;
    ///
    /// assert_eq!(Buffers::<1024>::FRAME, 1024);
    /// ```
    pub const FRAME: usize = FRAME;

    /// Creates empty buffers.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda_serve::Buffers;
    ///
    /// const BUFFERS: Buffers<1024> = Buffers::new(); // in a firmware: a static
    /// assert!(size_of_val(&BUFFERS) > 2 * 1024);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { incoming: FrameBuffer::new(), outgoing: [0; FRAME] }
    }
}

impl<const FRAME: usize> Default for Buffers<FRAME> {
    fn default() -> Self {
        Self::new()
    }
}

/// A device with its model, ready to serve.
///
/// # Examples
///
/// ```
/// # use prenda::{Model, Workspace};
/// use prenda_serve::{Buffers, Identity, Server};
///
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let (model, mut workspace) = (Model::parse(&blob).unwrap(), Workspace::<360, 10>::new());
/// let classifier = (&model, &mut workspace); // or the `Workspace` of a compiled-in model
/// let mut buffers = Buffers::<1024>::new();
/// let server = Server::new(Identity::new("my-board", "cortex-m4"), classifier, &mut buffers);
/// assert_eq!(server.model().map(|model| model.classes), Ok(10));
/// ```
#[derive(Debug)]
pub struct Server<'b, C, const FRAME: usize> {
    identity: Identity,
    classifier: Result<C, DeviceFault>,
    /// Bytes of the longest outputs, which are at the end of a buffer, after their frame.
    output_bytes: usize,
    buffers: &'b mut Buffers<FRAME>,
}

impl<'b, C: Classifier, const FRAME: usize> Server<'b, C, FRAME> {
    /// Runs the self-test of `classifier`. If it fails, the server answers each request with the
    /// reason.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda::{Model, Workspace};
    /// use prenda::DeviceFault;
    /// use prenda_serve::{Buffers, Identity, Server};
    ///
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let (model, mut workspace) = (Model::parse(&blob).unwrap(), Workspace::<360, 10>::new());
    /// let mut buffers = Buffers::<512>::new(); // too short for 784 pixels
    /// let identity = Identity::new("my-board", "cortex-m4");
    /// let server = Server::new(identity, (&model, &mut workspace), &mut buffers);
    /// let fault = DeviceFault::FrameTooLong { needed: 928, available: 512 };
    /// assert_eq!(server.model(), Err(fault));
    /// ```
    pub fn new(identity: Identity, classifier: C, buffers: &'b mut Buffers<FRAME>) -> Self {
        Self::tested(identity, Ok(classifier), buffers)
    }

    fn tested(identity: Identity, classifier: Result<C, DeviceFault>, buffers: &'b mut Buffers<FRAME>) -> Self {
        let mut server = Self { identity, classifier, output_bytes: CALIBRATION_BYTES, buffers };
        if let Ok(classifier) = &mut server.classifier {
            match classifier.self_test().and_then(|()| fit(&classifier.info(), FRAME)) {
                Ok(output_bytes) => server.output_bytes = output_bytes,
                Err(fault) => server.classifier = Err(fault),
            }
        }
        server
    }

    /// Returns the model that is served.
    ///
    /// # Errors
    ///
    /// Returns the fault if the device has no usable model.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda::{Model, Workspace};
    /// use prenda_serve::{Buffers, Identity, Server};
    ///
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let (model, mut workspace) = (Model::parse(&blob).unwrap(), Workspace::<360, 10>::new());
    /// # let identity = Identity::new("my-board", "cortex-m4");
    /// # let mut buffers = Buffers::<1024>::new();
    /// let server = Server::new(identity, (&model, &mut workspace), &mut buffers);
    /// match server.model() {
    ///     Ok(model) => println!("serves {}, of {} layers", model.id, model.layers),
    ///     Err(fault) => panic!("{fault}"),
    /// }
    /// ```
    pub fn model(&self) -> Result<ModelInfo, DeviceFault> {
        info(&self.classifier)
    }

    /// Serves until the stream ends. Drops a partial frame of an earlier stream.
    ///
    /// # Errors
    ///
    /// Returns the stream's error if it fails. Invalid bytes are answered, not returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda::{Frame, Model, Request, Workspace, encode};
    /// use prenda_serve::{Buffers, Identity, Server};
    ///
    /// # struct Link<'l>(&'l [u8], Vec<u8>);
    /// # impl embedded_io::ErrorType for Link<'_> { type Error = core::convert::Infallible; }
    /// # impl embedded_io::Read for Link<'_> {
    /// #     fn read(&mut self, to: &mut [u8]) -> Result<usize, Self::Error> { self.0.read(to) }
    /// # }
    /// # impl embedded_io::Write for Link<'_> {
    /// #     fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
    /// #         self.1.extend(bytes);
    /// #         Ok(bytes.len())
    /// #     }
    /// #     fn flush(&mut self) -> Result<(), Self::Error> { Ok(()) }
    /// # }
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let (model, mut workspace) = (Model::parse(&blob).unwrap(), Workspace::<360, 10>::new());
    /// # let identity = Identity::new("my-board", "cortex-m4");
    /// # let mut buffers = Buffers::<1024>::new();
    /// let (frame, mut buffer) = (Frame { sequence: 1, message: Request::Hello }, [0; 32]);
    /// let request = encode(&frame, &mut buffer).unwrap();
    /// let mut link = Link(request, Vec::new()); // what is received, what was sent
    /// Server::new(identity, (&model, &mut workspace), &mut buffers).serve(&mut link).unwrap();
    /// assert!(link.1.windows(8).any(|bytes| bytes == b"my-board"));
    /// ```
    pub fn serve<Stream: Read + Write>(&mut self, stream: &mut Stream) -> Result<(), Stream::Error> {
        let Buffers { incoming, outgoing } = &mut *self.buffers;
        incoming.clear();
        let mut chunk = [0; 64];
        loop {
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            for &byte in chunk.iter().take(count) {
                let request = match incoming.push(byte) {
                    Progress::Incomplete => continue,
                    Progress::TooLong(error) => Err(error),
                    Progress::Complete(bytes) => decode_request(bytes),
                };
                let (frame, outputs) = outgoing.split_at_mut(FRAME.saturating_sub(self.output_bytes));
                send(stream, answer(&self.identity, &mut self.classifier, request, frame, outputs))?;
            }
        }
    }
}

impl<'b, 'm, const LAYERS: usize, const MEMORY: usize, const CLASSES: usize, const FRAME: usize>
    Server<'b, (&'m Model<'m, LAYERS>, &'m mut Workspace<MEMORY, CLASSES>), FRAME>
{
    /// Serves a model that was parsed when the device started. If that failed, the server answers
    /// each request with the reason.
    ///
    /// # Examples
    ///
    /// ```
    /// use prenda::{BlobError, DeviceFault, Model, Workspace};
    /// use prenda_serve::{Buffers, Identity, Server};
    ///
    /// let model = Model::<2>::try_from(&[0xFF; 64][..]); // erased flash
    /// # let (mut workspace, mut buffers) = (Workspace::<360, 10>::new(), Buffers::<1024>::new());
    /// let identity = Identity::new("my-board", "cortex-m4");
    /// let server = Server::with_model(identity, &model, &mut workspace, &mut buffers);
    /// assert_eq!(server.model(), Err(DeviceFault::Blob(BlobError::Magic)));
    /// ```
    pub fn with_model(
        identity: Identity,
        model: &'m Result<Model<'m, LAYERS>, BlobError>,
        workspace: &'m mut Workspace<MEMORY, CLASSES>,
        buffers: &'b mut Buffers<FRAME>,
    ) -> Self {
        let classifier = match model {
            Ok(model) => Ok((model, workspace)),
            Err(error) => Err(DeviceFault::Blob(*error)),
        };
        Self::tested(identity, classifier, buffers)
    }
}

/// Returns the description of the model.
fn info<C: Classifier>(classifier: &Result<C, DeviceFault>) -> Result<ModelInfo, DeviceFault> {
    match classifier {
        Ok(classifier) => Ok(classifier.info()),
        Err(fault) => Err(*fault),
    }
}

/// Checks that the model's images and answers fit frames of `available` bytes. Returns the bytes of
/// the longest outputs: logits and probabilities, or counts.
fn fit(model: &ModelInfo, available: usize) -> Result<usize, DeviceFault> {
    let frame_bytes_for = |bytes: usize| encoded_length_bound(bytes.saturating_add(MESSAGE_OVERHEAD_BYTES));
    let outputs = usize::from(model.classes).saturating_mul(CLASS_BYTES).max(counted_bytes(model.layers.into()));
    let needed = frame_bytes_for(model.inputs as usize).max(frame_bytes_for(outputs).saturating_add(outputs));
    if needed > available {
        return Err(DeviceFault::FrameTooLong { needed: needed as u32, available: available as u32 });
    }
    Ok(outputs)
}

/// Writes `bytes` until the stream ends. (`write_all` panics at the end of the stream.)
fn send<Stream: Write>(stream: &mut Stream, mut bytes: &[u8]) -> Result<(), Stream::Error> {
    while !bytes.is_empty() {
        match stream.write(bytes)? {
            0 => return Ok(()),
            count => bytes = bytes.get(count..).unwrap_or_default(),
        }
    }
    stream.flush()
}

/// Writes the frame that answers `request` to `frame`.
fn answer<'b, C: Classifier>(
    identity: &Identity,
    classifier: &mut Result<C, DeviceFault>,
    request: Result<Frame<Request<'_>>, FrameError>,
    frame: &'b mut [u8],
    outputs: &mut [u8],
) -> &'b [u8] {
    let sequence = request.map_or(0, |frame| frame.sequence);
    let response = request.map_err(Refusal::Frame).and_then(|frame| match frame.message {
        Request::Hello => Ok(Response::Hello(Hello {
            board: identity.board,
            core: identity.core,
            firmware: FIRMWARE_VERSION,
            model: info(classifier),
        })),
        Request::MemoryUse => Ok(Response::MemoryUse((identity.memory_use)())),
        Request::Infer { pixels } => {
            let classifier = usable(classifier)?;
            let networks = classifier.networks();
            let prediction = classifier.infer(pixels).map_err(Refusal::Infer)?;
            let (logits, probabilities) = prediction.to_bytes(outputs).unwrap_or_default();
            let (class, network) = (prediction.class as u16, prediction.network as u8);
            Ok(match networks {
                1 => Response::Inference { class, logits, probabilities },
                _ => Response::CascadeInference { network, class, logits, probabilities },
            })
        }
        Request::Measure { pixels } => {
            let counter = identity.counter.as_ref().ok_or(Refusal::NoCounter)?;
            let counts = measure(counter, usable(classifier)?, pixels, outputs).map_err(Refusal::Infer)?;
            Ok(Response::Counted { counts })
        }
        Request::Calibrate { rounds } => {
            let counter = identity.counter.as_ref().ok_or(Refusal::NoCounter)?;
            Ok(Response::Counted { counts: calibrate(counter, rounds, C::WORKSPACE_BYTES, outputs) })
        }
    });
    let message = response.unwrap_or_else(|refusal| {
        #[cfg(feature = "defmt")]
        defmt::warn!("refused: {}", refusal);
        Response::Refused(refusal)
    });
    // `fit` has checked that answers of this length fit.
    encode_response(&Frame { sequence, message }, frame).unwrap_or_default()
}

/// Returns the classifier.
fn usable<C>(classifier: &mut Result<C, DeviceFault>) -> Result<&mut C, Refusal> {
    classifier.as_mut().map_err(|fault| Refusal::NoModel(*fault))
}
