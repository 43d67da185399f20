# Fails if code compiled for one instruction set defines a symbol that the linker may merge with other code's (weak, or unique): an older CPU could then
# be given instructions it lacks.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} -g --defined-only ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "nm could not read ${object}")
  endif()
  string(REGEX MATCHALL "[0-9a-f]+ [WVu] [^\n]*" merged "${symbols}")
  # Sanitizers add guards and descriptions of their own, which hold no instructions of ours.
  list(FILTER merged EXCLUDE REGEX " (__odr_asan|DW\\.ref|_ZTI|_ZTS|__asan|__ubsan|__tsan)")
  if(merged)
    message(FATAL_ERROR "${object} defines symbols that other code may be linked to: ${merged}")
  endif()
endforeach()
