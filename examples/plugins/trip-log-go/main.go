//go:build wasip1

// A plugin that logs a trip: the distance over ground since the last reset, and the distance made good.
//
// This file has the functions that the server calls. What a trip is stands in the package trip, the way to the
// server in the package sk, and what is between them in logger.go.
package main

import "windlass.example/trip-log/sk"

// plugin is the one of this module.
var plugin logger

// main is never called: the module is a library.
func main() {}

//go:wasmexport plugin_name
func pluginName(out, size uint32) uint32 {
	return sk.Answer([]byte("Trip log"), out, size)
}

//go:wasmexport plugin_schema
func pluginSchema(out, size uint32) uint32 {
	return sk.Answer([]byte(schema), out, size)
}

//go:wasmexport plugin_start
func pluginStart(config, length uint32) int32 {
	if err := plugin.start(sk.Bytes(config, length)); err != nil {
		sk.SetError(err.Error())
		return 1
	}
	return 0
}

//go:wasmexport plugin_stop
func pluginStop() int32 {
	if err := plugin.stop(); err != nil {
		sk.SetError(err.Error())
		return 1
	}
	return 0
}

//go:wasmexport poll
func poll() int32 {
	plugin.tick()
	return 0
}

//go:wasmexport delta_handler
func deltaHandler(delta, length uint32) {
	plugin.delta(sk.Bytes(delta, length))
}

//go:wasmexport http_endpoints
func httpEndpoints(out, size uint32) uint32 {
	return sk.Answer([]byte(endpoints), out, size)
}

//go:wasmexport http_get_trip
func httpGetTrip(_, _, out, size uint32) uint32 {
	return sk.Answer(plugin.report(), out, size)
}

//go:wasmexport http_post_reset
func httpPostReset(_, _, out, size uint32) uint32 {
	return sk.Answer(plugin.reset(), out, size)
}
