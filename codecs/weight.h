#pragma once
/* Weights in lists of what a client would take, Accept's and Accept-Encoding's (RFC 9110, 12.4.2). Pure. */

enum { WEIGHT_MAX = 1000 };

/* The value of a "q", in thousandths. Clients write ".2", more digits than three (what is above 0 stays so) and quotes.
 * What is no number from 0 to 1 is taken for 1. */
unsigned weight_read(const char *text, const char *end);
