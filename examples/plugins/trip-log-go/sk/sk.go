//go:build wasip1

// Package sk is the server as Go functions: what a plugin imports, and the memory in which the server passes
// its texts.
package sk

import "unsafe"

//go:wasmimport env sk_debug
func Debug(message string)

//go:wasmimport env sk_set_status
func SetStatus(message string)

//go:wasmimport env sk_set_error
func SetError(message string)

// Emit a delta as JSON.
//
//go:wasmimport env sk_handle_message
func Emit(delta string)

//go:wasmimport env sk_get_self_path
func getSelfPath(path string, buffer unsafe.Pointer, size uint32) int32

// SelfPath is the JSON of a value of the own vessel; nil when there is none.
func SelfPath(path string) []byte {
	buffer := make([]byte, 1024)
	length := getSelfPath(path, unsafe.Pointer(&buffer[0]), uint32(len(buffer)))
	if length <= 0 {
		return nil
	}
	return buffer[:length]
}

// lent are the buffers that the server has. In this map the collector sees that they are in use.
var lent = map[uint32][]byte{}

// Allocate a buffer for the server.
//
//go:wasmexport allocate
func Allocate(size uint32) uint32 {
	buffer := make([]byte, max(size, 1))
	pointer := uint32(uintptr(unsafe.Pointer(&buffer[0])))
	lent[pointer] = buffer
	return pointer
}

// Deallocate takes a buffer back.
//
//go:wasmexport deallocate
func Deallocate(pointer, _ uint32) {
	delete(lent, pointer)
}

// Bytes that the server wrote. They are good until the call returns.
func Bytes(pointer, length uint32) []byte {
	return lent[pointer][:length]
}

// Answer writes a text into the server's buffer, and returns its length; 0 when it doesn't fit.
func Answer(text []byte, pointer, size uint32) uint32 {
	if uint32(len(text)) > size {
		return 0
	}
	return uint32(copy(lent[pointer], text))
}
