// Package shipped tests what comes with Palabre, the content types in schemas and the demo content in schemas/demo,
// against the real compiler. It has no code of its own: schemas cannot reach the compiler from where it stands.
package shipped
