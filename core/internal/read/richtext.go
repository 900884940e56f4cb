package read

// appendRichText writes rich text as html or text; for now as it is stored.
func appendRichText(b, v []byte, as string) []byte { return append(b, v...) }
