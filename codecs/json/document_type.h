#pragma once
/* What a document's members may be; see document.h. */

enum document_type {
    DOCUMENT_ABSENT,
    DOCUMENT_NULL,
    DOCUMENT_BOOLEAN,
    DOCUMENT_NUMBER,
    DOCUMENT_STRING,
    DOCUMENT_ARRAY,
    DOCUMENT_OBJECT
};
