// Package bench measures Palabre from outside and inside against what it promises, with content that it makes up itself:
// the same entries on every machine, so that figures can be compared.
//
//	set.go        the invented content and its types
//	phrases.go    what it is made of
//	load.go       a load generator on raw connections, so that little of the machine is spent on asking
//	wrk.go        wrk instead, where it is installed, since others were measured with it
//	server.go     the server under test, a process of its own
//	sample.go     what is there to be asked for
//	measure.go    what is measured inside the process
//	http.go       what is measured from outside
//	peers.go      what others gave
//	report.go     the table
//
// The yardstick for cached answers is a handler of the router that Palabre uses, which writes the same bytes from memory
// and does nothing else. Load generator and server share the machine's cores, as they did when the targets were set.
package bench
