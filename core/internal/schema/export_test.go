package schema

// Keywords are the names that a schema may hold.
var Keywords = keywordNames
