//! Corpora for the benches, made by code so that nothing large lies in the tree.
