//! Tests of the plugin host with modules written for the purpose. Rows carry the statement ids of the ABI
//! specification's checklist in the form `ABI-24`.

#[cfg(test)]
mod suite;
