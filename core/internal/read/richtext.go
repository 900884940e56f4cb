package read

import (
	"github.com/palabre-cms/palabre/core/internal/read/richtext"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// appendRichText writes rich text as HTML or text, in a JSON string; what is no rich text as it is stored.
func appendRichText(b, v []byte, as string) []byte {
	if len(v) == 0 || v[0] != '{' {
		return append(b, v...)
	}
	tree, err := jsondoc.Parse(v)
	if err != nil {
		return append(b, "null"...)
	}
	if as == "html" {
		return jsondoc.AppendString(b, richtext.HTML(tree))
	}
	return jsondoc.AppendString(b, richtext.Text(tree))
}
