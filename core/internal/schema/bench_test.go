package schema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// ficheDocument weighs some 3 kB, like most case studies.
func ficheDocument() string {
	paragraph := `{"type":"paragraph","content":[{"type":"text","text":"` + strings.Repeat("Le panel tiré au sort a lancé une marche exploratoire. ", 7) + `"}]}`
	return `{"title":"Budget participatif de Mulhouse","slug":"budget-participatif-mulhouse","region":"44","population":108312,
		"location":{"type":"Point","coordinates":[7.3388,47.7494]},
		"partner":{"_ref":"01jd0000000000000000000000","_type":"partner"},
		"partners":[{"_ref":"01jd0000000000000000000000","_type":"partner"},{"_ref":"01jd0000000000000000000001","_type":"partner"}],
		"cover":{"_media":"01jd0000000000000000000002","alt":"La place"},
		"body":{"type":"doc","v":1,"content":[` + strings.Repeat(paragraph+",", 5) + paragraph + `]},
		"contact":"participation@mulhouse.example",
		"blocks":[{"type":"quote","text":"Oui."},{"type":"quote","text":"Non."}]}`
}

func BenchmarkValidate(b *testing.B) {
	v := compile(b, fiche).Validator
	doc := document(b, ficheDocument())
	if errs := v.Validate(doc); errs != nil {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	for b.Loop() {
		v.Validate(doc)
	}
}

func BenchmarkValidate_Invalid(b *testing.B) {
	v := compile(b, fiche).Validator
	doc := document(b, ficheDocument())
	doc["title"], doc["region"] = "", 4
	delete(doc, "slug")
	b.ReportAllocs()
	for b.Loop() {
		v.Validate(doc)
	}
}

func BenchmarkEncode(b *testing.B) {
	v := compile(b, fiche).Validator
	doc := document(b, ficheDocument())
	b.ReportAllocs()
	for b.Loop() {
		v.Encode(doc)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(ficheDocument())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsondoc.DecodeObject(text, jsondoc.Default); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (&schema.Compiler{}).Compile(context.Background(), []byte(fiche)); err != nil {
			b.Fatal(err)
		}
	}
}
