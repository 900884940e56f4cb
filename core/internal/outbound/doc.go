// Package outbound is the one way out of Palabre: whatever opens a connection to another machine does it through a
// Client of this package, and core/arch_test.go keeps it so.
//
// An address is judged at the moment of connecting, as the number that the name resolved to, and again at every hop of a
// redirect. A name that answers differently the second time, a notation that some resolver reads in its own way, a
// redirect into the machine's own network: all of them end at the same check. It lets through what is on the public
// internet, on ports 80 and 443, and what the operator names in Allow.
//
// A caller learns one thing of a failure: that the address cannot be reached. Why stands in the log; an answer that told
// a refusal from a silence, or a closed port from an open one, would map the network for whoever may choose an address.
package outbound
