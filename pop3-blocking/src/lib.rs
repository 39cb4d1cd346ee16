//! POP3 over `std::io`.
