//! Framing and grammar: bufferless decoders that answer with offsets, and encoders.
