# embed_file(path symbol header): makes generated/<symbol>.c, which defines the bytes of the file as `symbol` (with a zero
# after the last, not counted) and their number as `symbol`_length, as declared in the header.
# `symbol`_tag is what ETag says of them: as many digits of their SHA-256 as keep two versions apart.
# Character constants, not numbers: 0xe2 doesn't fit a char, '\xe2' does.
# The same file is the script that the build runs: cmake -D INPUT= -D OUTPUT= -D SYMBOL= -D HEADER= -P embed.cmake

if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${INPUT} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string(REGEX REPLACE "('[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+','[^']+',)" "\\1\n"
           bytes "${bytes}")
    file(SHA256 ${INPUT} sum)
    string(SUBSTRING ${sum} 0 32 sum)
    file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst char ${SYMBOL}[] = {\n${bytes}0};\n"
                         "const size_t ${SYMBOL}_length = sizeof ${SYMBOL} - 1;\n"
                         "const char ${SYMBOL}_tag[] = \"\\\"${sum}\\\"\";\n")
    return()
endif()

function(embed_file path symbol header)
    set(output ${CMAKE_BINARY_DIR}/generated/${symbol}.c)
    add_custom_command(
        OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -D INPUT=${CMAKE_SOURCE_DIR}/${path} -D OUTPUT=${output} -D SYMBOL=${symbol}
                -D HEADER=${header} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${CMAKE_SOURCE_DIR}/${path} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        COMMENT "Embedding ${path}" VERBATIM)
endfunction()
