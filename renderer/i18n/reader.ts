/** What the reader of QR codes says. */
export const readerWords = {
  title: 'Read a QR code',
  camera: 'Use the camera', picture: 'Choose a picture…', screen: 'Look on the screen', stop: 'Stop looking',
  hint: 'Or press Ctrl V to paste a picture of the code, or its text.',
  preview: 'What the camera sees', previewScreen: 'What is on the screen',
  opening: 'Opening the camera…', looking: 'Hold the code before the camera.',
  lookingScreen: 'Bring the code to the front: it is looked for on the whole screen.',
  reading: 'Looking for a code…',
  none: 'No QR code can be seen in this picture. Take one that shows the whole code, sharp and from the front.',
  noPicture: 'This file is not a picture that can be read here.',
  refused: 'This computer does not let Coppice use the camera. Allow it in the settings of the system, or choose a picture.',
  absent: 'No camera can be found. Choose a picture, or paste one.',
  refusedScreen: 'This computer does not let Coppice see the screen. Paste a picture of the code instead.',
} as const
