//! Calling exported functions by their types.

use wasmer::{RuntimeError, Store, TypedFunction};

use super::{
    Signature, Value,
    wasmer::{from_wasmer, to_wasmer},
};

/// Makes [`GuestFunction`]: the types functions of plugins nearly always have are called without lists of values, which halves what a call costs.
macro_rules! targets {
    ($($none:ident $one:ident $params:ty, [$($index:tt),*];)*) => {
        /// An exported function. The variants are named after their numbers of i32 parameters and results.
        pub(super) enum GuestFunction {
            $($none(TypedFunction<$params, ()>), $one(TypedFunction<$params, i32>),)*
            /// Any other type.
            Other(wasmer::Function),
        }

        impl GuestFunction {
            pub(super) fn new(function: wasmer::Function, store: &Store, signature: &Signature) -> Self {
                $(
                    if signature.is_ints(<[usize]>::len(&[$($index),*]), 0)
                        && let Ok(function) = function.typed(store)
                    {
                        return Self::$none(function);
                    }
                    if signature.is_ints(<[usize]>::len(&[$($index),*]), 1)
                        && let Ok(function) = function.typed(store)
                    {
                        return Self::$one(function);
                    }
                )*
                Self::Other(function)
            }

            pub(super) fn call(&self, store: &mut Store, args: &[Value]) -> Result<Option<Value>, RuntimeError> {
                let argument = |index: usize| args.get(index).map_or(0, |value| value.int());
                match self {
                    $(
                        Self::$none(function) => function.call(store, $(argument($index)),*).map(|()| None),
                        Self::$one(function) => {
                            function.call(store, $(argument($index)),*).map(|result| Some(Value::I32(result)))
                        }
                    )*
                    Self::Other(function) => {
                        let args: Vec<wasmer::Value> = args.iter().copied().map(to_wasmer).collect();
                        function.call(store, &args).map(|results| results.first().map(from_wasmer))
                    }
                }
            }
        }
    };
}

targets! {
    None0 One0 (), [];
    None1 One1 i32, [0];
    None2 One2 (i32, i32), [0, 1];
    None3 One3 (i32, i32, i32), [0, 1, 2];
    None4 One4 (i32, i32, i32, i32), [0, 1, 2, 3];
}
