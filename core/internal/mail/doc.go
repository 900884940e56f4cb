// Package mail sends what Palabre has to write to people: a link for a new password, a notice. Messages are plain text,
// one to a recipient, and say that a machine has sent them.
//
// They go to the one SMTP server that the operator names, through a connection that is opened from outside the package,
// encrypted unless the operator says otherwise. Nothing that a user has typed can add a header, a recipient or a second
// message: an address or subject with as much as a line break is refused, and the text is encoded.
package mail
